/* Binding one socket.
 * Its own file because listen.c decides which there are, and this is how one is made.
 * Changes when: a socket is made in another way. */
#ifndef BJ_SERVER_LISTEN_BIND_H
#define BJ_SERVER_LISTEN_BIND_H

#include "server/listen.h"

/* item->configured to item->fd, listening. A socket's file that nobody listens on any more is replaced. */
int bj__listen_bind(struct bj_listening *item, const char *field, uint32_t mode, struct bj_error *err);
/* The directory of a socket that was removed, if it is one that bj__listen_bind makes, and empty. */
void bj__listen_drop_directory(const char *path);

#endif
