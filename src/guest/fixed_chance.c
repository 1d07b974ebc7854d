/* Chance that is none: numbers from a seed, in the place of the kernel's.
 * Its own file because it is all that such a run knows of chance.
 * Changes when: chance can be asked for in another way.
 *
 * SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). It passes the usual tests, and
 * whoever sees two numbers knows all others: no secret may come from it, and the seed is in the request anyway. */
#include "determinism.h"

#include <errno.h>
#include <string.h>

#define STEP        UINT64_C(0x9e3779b97f4a7c15)
#define ENTROPY_MAX 256 /* getentropy(3) */
#define KNOWN_FLAGS 7u  /* getrandom(2) */

static uint64_t state; /* by several threads at once */

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

void guest_fixed_chance_begin(uint64_t seed)
{
    state = mix(seed + STEP); /* neighbouring seeds begin far from each other */
}

static void fill(void *bytes, size_t length)
{
    unsigned char *at = bytes;
    while (length > 0) {
        uint64_t next = mix(__atomic_add_fetch(&state, STEP, __ATOMIC_RELAXED));
        size_t part = length < sizeof(next) ? length : sizeof(next);
        memcpy(at, &next, part);
        at += part;
        length -= part;
    }
}

static ssize_t fixed_getrandom(void *bytes, size_t length, unsigned flags)
{
    if (flags & ~KNOWN_FLAGS) {
        errno = EINVAL;
        return -1;
    }
    fill(bytes, length);
    return (ssize_t)length;
}

static int fixed_getentropy(void *bytes, size_t length)
{
    if (length > ENTROPY_MAX) {
        errno = EIO;
        return -1;
    }
    fill(bytes, length);
    return 0;
}

void guest_fixed_chance_calls(struct guest_calls *calls)
{
    calls->getrandom = fixed_getrandom;
    calls->getentropy = fixed_getentropy;
}
