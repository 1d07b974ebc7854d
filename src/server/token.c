/* Tokens of clients.
 * Its own file because it alone needs a library of hashes.
 * Changes when: a token has another form. */
#include "server/token.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/random.h>

_Static_assert(BJ_TOKEN_HASH == SHA256_DIGEST_SIZE, "SHA-256");

void bj__token_hash(const void *token, size_t length, unsigned char ret_hash[BJ_TOKEN_HASH])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, length, token);
    sha256_digest(&context, BJ_TOKEN_HASH, ret_hash);
    explicit_bzero(&context, sizeof(context));
}

void bj__token_hex(const unsigned char hash[BJ_TOKEN_HASH], char text[BJ_TOKEN_HEX])
{
    for (size_t n = 0; n < BJ_TOKEN_HASH; n++)
        (void)snprintf(text + 2 * n, 3, "%02x", hash[n]);
}

bool bj__token_same(const unsigned char one[BJ_TOKEN_HASH], const unsigned char other[BJ_TOKEN_HASH])
{
    return memeql_sec(one, other, BJ_TOKEN_HASH) != 0;
}

/* base64url of RFC 4648, section 5, without padding: 32 bytes are 42 characters of six bits, and one of four. */
int bj__token_new(char token[BJ_TOKEN_SIZE])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char random[32];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return errno ? -errno : -EIO;
    size_t bits = 0;
    uint32_t held = 0;
    size_t length = 0;
    for (size_t n = 0; n < sizeof(random); n++) {
        held = held << 8 | random[n];
        for (bits += 8; bits >= 6; bits -= 6)
            token[length++] = letters[held >> (bits - 6) & 63];
    }
    token[length++] = letters[held << (6 - bits) & 63];
    token[length] = 0;
    explicit_bzero(random, sizeof(random));
    return 0;
}

bool bj__token_name_ok(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    return length > 0 && length < 64 && name[length] == 0;
}
