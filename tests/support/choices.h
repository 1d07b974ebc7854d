/* Where a generator takes its decisions from: the bytes of a fuzzer's input, or a seed.
 * Its own file because a random test and a fuzzer then make the same things, one by luck, one by search.
 * Changes when: decisions come from somewhere else. */
#ifndef TEST_CHOICES_H
#define TEST_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choices {
    const uint8_t *bytes; /* NULL: from the seed */
    size_t size, at;
    uint64_t seed; /* not 0 */
};

/* 0 to count - 1, count at most 256. Where the bytes have ended it is the last, so that chance() says no. */
static inline unsigned below(struct choices *choices, unsigned count)
{
    if (choices->bytes)
        return choices->at < choices->size ? choices->bytes[choices->at++] % count : count - 1;
    choices->seed ^= choices->seed >> 12; /* xorshift64* */
    choices->seed ^= choices->seed << 25;
    choices->seed ^= choices->seed >> 27;
    return (unsigned)((choices->seed * 0x2545F4914F6CDD1Dull) >> 33) % count;
}

static inline bool chance(struct choices *choices, unsigned percent)
{
    return below(choices, 100) < percent;
}

#endif
