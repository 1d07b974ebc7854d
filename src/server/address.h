/* Addresses of listeners: as the operator writes them, and as the kernel has them.
 * Its own file because the configuration checks them, the keeper binds them, and a socket that was handed over is compared with them.
 * Changes when: a service can be reached in another way. */
#ifndef BJ_SERVER_ADDRESS_H
#define BJ_SERVER_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"

#define BJ_ADDRESS_SIZE 128 /* of one as text */
_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) < BJ_ADDRESS_SIZE, "a path fits");

struct bj_address {
    struct sockaddr_storage name;
    socklen_t length;
};

/* "127.0.0.1:8060", "[::1]:8060" (numbers only: nobody is asked for a name), or an absolute path of at most 107 bytes. */
int bj__address_read(const char *field, const char *text, struct bj_address *ret_address, struct bj_error *err);
/* -EAFNOSUPPORT: one that bj__address_read does not know. */
int bj__address_write(const struct bj_address *address, char text[BJ_ADDRESS_SIZE]);
bool bj__address_is_unix(const struct bj_address *address);
/* Only programs of this host can reach it. */
bool bj__address_is_local(const struct bj_address *address);
bool bj__address_same(const struct bj_address *one, const struct bj_address *other);

#endif
