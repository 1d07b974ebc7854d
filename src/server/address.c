/* Addresses of listeners, from text and back.
 * Its own file because it is pure, and the only one that knows the forms of an address.
 * Changes when: a service can be reached in another way. */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>

static int wrong(const char *field, const char *text, struct bj_error *err)
{
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                     "\"%.120s\" is no address; give numbers and a port, as 127.0.0.1:8060 or [::1]:8060, or "
                     "the absolute path of a unix socket",
                     text);
}

static int read_path(const char *field, const char *text, struct bj_address *address, struct bj_error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(text);
    if (length >= sizeof(name.sun_path))
        return bj__error(err, BJ_ERROR_INVALID, ENAMETOOLONG, field,
                         "%zu bytes long; a unix socket's path has at most %zu", length,
                         sizeof(name.sun_path) - 1);
    for (size_t n = 0; n < length; n++)
        if ((unsigned char)text[n] < 0x20 || text[n] == 0x7f)
            return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                             "\"%s\" has a control character; take it out", text);
    if (strstr(text, "//") || strstr(text, "/../") || strstr(text, "/./") || text[length - 1] == '/')
        return bj__error(
            err, BJ_ERROR_INVALID, EINVAL, field,
            "\"%s\" is not a plain path of a file; write it without //, /./, /../ and a / at its end", text);
    memcpy(name.sun_path, text, length + 1);
    memcpy(&address->name, &name, sizeof(name));
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 0;
}

/* Digits alone, so that "+1", " 1" and "01x" are none. */
static bool read_port(const char *text, uint16_t *ret_port)
{
    uint64_t port;
    if (bj__digits(&text, &port) < 0 || *text != 0 || port > UINT16_MAX)
        return false;
    *ret_port = htons((uint16_t)port);
    return true;
}

int bj__address_read(const char *field, const char *text, struct bj_address *ret_address, struct bj_error *err)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    char host[INET6_ADDRSTRLEN];
    *ret_address = (struct bj_address){0};
    if (text[0] == '/')
        return read_path(field, text, ret_address, err);
    bool bracketed = text[0] == '[';
    const char *begin = text + (bracketed ? 1 : 0);
    const char *end = strchr(begin, bracketed ? ']' : ':');
    if (!end || (size_t)(end - begin) >= sizeof(host) || (bracketed && end[1] != ':'))
        return wrong(field, text, err);
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = 0;
    const char *port = end + (bracketed ? 2 : 1);
    if (bracketed ? inet_pton(AF_INET6, host, &six.sin6_addr) != 1 || !read_port(port, &six.sin6_port)
                  : inet_pton(AF_INET, host, &four.sin_addr) != 1 || !read_port(port, &four.sin_port))
        return wrong(field, text, err);
    if (bracketed)
        memcpy(&ret_address->name, &six, sizeof(six));
    else
        memcpy(&ret_address->name, &four, sizeof(four));
    ret_address->length = bracketed ? sizeof(six) : sizeof(four);
    return 0;
}

int bj__address_write(const struct bj_address *address, char text[BJ_ADDRESS_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    if (address->name.ss_family == AF_UNIX) {
        struct sockaddr_un name;
        memcpy(&name, &address->name, sizeof(name));
        if (address->length <= offsetof(struct sockaddr_un, sun_path) || name.sun_path[0] != '/')
            return -EAFNOSUPPORT; /* one without a name, or with an abstract one */
        (void)snprintf(text, BJ_ADDRESS_SIZE, "%.*s", (int)sizeof(name.sun_path), name.sun_path);
        return 0;
    }
    if (address->name.ss_family == AF_INET) {
        struct sockaddr_in name;
        memcpy(&name, &address->name, sizeof(name));
        (void)inet_ntop(AF_INET, &name.sin_addr, host, sizeof(host));
        (void)snprintf(text, BJ_ADDRESS_SIZE, "%s:%u", host, ntohs(name.sin_port));
        return 0;
    }
    if (address->name.ss_family == AF_INET6) {
        struct sockaddr_in6 name;
        memcpy(&name, &address->name, sizeof(name));
        (void)inet_ntop(AF_INET6, &name.sin6_addr, host, sizeof(host));
        (void)snprintf(text, BJ_ADDRESS_SIZE, "[%s]:%u", host, ntohs(name.sin6_port));
        return 0;
    }
    return -EAFNOSUPPORT;
}

bool bj__address_is_unix(const struct bj_address *address)
{
    return address->name.ss_family == AF_UNIX;
}

bool bj__address_is_local(const struct bj_address *address)
{
    if (address->name.ss_family == AF_INET) {
        struct sockaddr_in name;
        memcpy(&name, &address->name, sizeof(name));
        return ntohl(name.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->name.ss_family == AF_INET6) {
        struct sockaddr_in6 name;
        memcpy(&name, &address->name, sizeof(name));
        return memcmp(&name.sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
    }
    return address->name.ss_family == AF_UNIX;
}

bool bj__address_same(const struct bj_address *one, const struct bj_address *other)
{
    char first[BJ_ADDRESS_SIZE];
    char second[BJ_ADDRESS_SIZE];
    return bj__address_write(one, first) == 0 && bj__address_write(other, second) == 0 &&
           strcmp(first, second) == 0;
}
