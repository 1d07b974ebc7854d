/* What can be asked for over HTTP, found.
 * Its own file because a path is taken apart here and nowhere else.
 * Changes when: patterns can say something more. */
#include "server/routes.h"
#include "server/api.h"
#include "server/compat/compat.h"

static const struct bj_route routes[] = {
#define X(verb, path, fn, needs_token, form, where, ...)                                                       \
    {.method = BJ_METHOD_##verb,                                                                               \
     .pattern = path,                                                                                          \
     .handler = fn,                                                                                            \
     .token = needs_token,                                                                                     \
     .body = BJ_ROUTE_##form,                                                                                  \
     .listener = BJ_LISTENER_##where,                                                                          \
     .what = __VA_ARGS__},
#include "server/routes.def"
#undef X
};

static const char *const method_names[BJ_METHOD__COUNT] = {"GET", "POST", "PUT", "DELETE"};

const char *bj__route_method_name(enum bj_route_method method)
{
    return method_names[method];
}

static bool match(const char *pattern, const char *path, struct bj_path_part parts[BJ_ROUTE_PARTS])
{
    size_t count = 0;
    while (*pattern) {
        if (strncmp(pattern, "{*}", 3) == 0) {
            parts[count] = (struct bj_path_part){path, strlen(path)};
            return parts[count].length > 0;
        }
        if (strncmp(pattern, "{}", 2) == 0) {
            parts[count] = (struct bj_path_part){path, strcspn(path, "/")};
            if (parts[count].length == 0)
                return false;
            path += parts[count++].length;
            pattern += 2;
            continue;
        }
        if (*pattern++ != *path++)
            return false;
    }
    return *path == 0;
}

const struct bj_route *bj__route_find(enum bj_listener_kind listener, const char *method, const char *path,
                                      struct bj_path_part parts[BJ_ROUTE_PARTS], unsigned *ret_allowed)
{
    const struct bj_route *found = NULL;
    const char *verb = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *ret_allowed = 0;
    for (size_t n = 0; n < BJ_COUNT(routes); n++) {
        struct bj_path_part tried[BJ_ROUTE_PARTS] = {{NULL, 0}, {NULL, 0}};
        if (routes[n].listener != listener || !match(routes[n].pattern, path, tried))
            continue;
        *ret_allowed |= 1u << routes[n].method;
        if (found || strcmp(method_names[routes[n].method], verb) != 0)
            continue;
        found = &routes[n];
        memcpy(parts, tried, sizeof(tried));
    }
    return found;
}

void bj__route_allowed(unsigned allowed, char text[40])
{
    size_t length = 0;
    text[0] = 0;
    for (unsigned method = 0; method < BJ_METHOD__COUNT; method++)
        if (allowed & 1u << method)
            length += (size_t)snprintf(text + length, 40 - length, "%s%s%s", length ? ", " : "",
                                       method_names[method], method == BJ_METHOD_GET ? ", HEAD" : "");
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int bj__path_decode(const struct bj_path_part *part, char *text, size_t size)
{
    size_t length = 0;
    for (size_t n = 0; n < part->length; n++) {
        int c = (unsigned char)part->text[n];
        if (c == '%') {
            bool whole = part->length - n > 2;
            int high = whole ? hex(part->text[n + 1]) : -1;
            int low = whole ? hex(part->text[n + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            c = high * 16 + low;
            n += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return -EINVAL;
        if (length + 1 >= size)
            return -ENOBUFS;
        text[length++] = (char)c;
    }
    text[length] = 0;
    return 0;
}
