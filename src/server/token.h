/* Tokens of clients: how one is made, and what of it the configuration holds.
 * Its own file because whoever makes one and whoever is shown one must count alike.
 * Changes when: a token has another form. */
#ifndef BJ_SERVER_TOKEN_H
#define BJ_SERVER_TOKEN_H

#include "base/base.h"

#define BJ_TOKEN_HASH 32u /* bytes of SHA-256 */
#define BJ_TOKEN_HEX  (2 * BJ_TOKEN_HASH + 1)
#define BJ_TOKEN_SIZE 44u /* of one that is made here: 32 random bytes, 43 characters, and NUL */
#define BJ_TOKEN_MAX  1024u

void bj__token_hash(const void *token, size_t length, unsigned char ret_hash[BJ_TOKEN_HASH]);
void bj__token_hex(const unsigned char hash[BJ_TOKEN_HASH], char text[BJ_TOKEN_HEX]);
/* Takes as long for a hash that differs early as for one that differs late. */
bool bj__token_same(const unsigned char one[BJ_TOKEN_HASH], const unsigned char other[BJ_TOKEN_HASH]);
/* Random: letters, digits, '-' and '_', good in a header and in an address. 0 or -errno. */
int bj__token_new(char token[BJ_TOKEN_SIZE]);
/* 1 to 63 of letters, digits, '.', '-' and '_': goes into logs and metrics. */
bool bj__token_name_ok(const char *name);

#endif
