/* What every fuzzer needs: the entry's prototype, the end of a violated property, specs that free themselves.
 * Its own file because a fuzzer is one function about one property, and nothing else should stand in it.
 * Changes when: fuzzers need something more in common. */
#ifndef FUZZ_H
#define FUZZ_H

#include "spec/profile.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline void fuzz_must(bool holds, const char *what, const char *detail)
{
    if (holds)
        return;
    (void)fprintf(stderr, "VIOLATED: %s: %s\n", what, detail);
    abort();
}

static inline void fuzz_drop_spec(struct bj_spec **spec)
{
    bj_spec_free(*spec);
}
#define FUZZ_SPEC BJ_CLEANUP(fuzz_drop_spec) struct bj_spec

/* One of the shipped profiles, or their first. */
static inline const struct bj_spec *fuzz_profile(unsigned number)
{
    for (unsigned n = 0; n < number && bj__builtin_profiles[n].profile; n++)
        if (n + 1 == number && bj__builtin_profiles[number].profile)
            return &bj__builtin_profiles[number];
    return bj__builtin_profiles;
}

/* An error says something, and says it on one line without a control character. */
static inline void fuzz_must_say(const struct bj_error *err)
{
    fuzz_must(err->message[0] != 0, "an error without a word", err->field);
    for (const char *c = err->message; *c; c++)
        fuzz_must((unsigned char)*c >= 0x20 && *c != 0x7f, "an error with a control character", err->message);
}

#endif
