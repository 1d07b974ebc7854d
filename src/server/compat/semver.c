/* Versions, and which of them somebody means.
 * Its own file because it is pure, and a grammar of its own.
 * Changes when: a client selects versions in another way. */
#include "server/compat/semver.h"

#include <stdio.h>

#define PART_MAX 999999u
#define EVERY    UINT64_MAX

/* "3", "3.10", "3.10.x": parts that are said. */
struct partial {
    uint64_t part[3];
    unsigned count;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint64_t pack(uint64_t major, uint64_t minor, uint64_t patch)
{
    return major << 42 | minor << 21 | patch;
}

/* The first version that is above all that the first count parts say. */
static uint64_t above(const struct partial *partial, unsigned count)
{
    const uint64_t *part = partial->part;
    switch (count) {
    case 0:
        return EVERY;
    case 1:
        return pack(part[0] + 1, 0, 0);
    case 2:
        return pack(part[0], part[1] + 1, 0);
    default:
        return pack(part[0], part[1], part[2] + 1);
    }
}

static bool read_partial(const char **text, struct partial *ret_partial)
{
    bool any = false;
    *ret_partial = (struct partial){0};
    for (unsigned n = 0; n < 3; n++) {
        uint64_t number = 0;
        if (n > 0 && **text != '.')
            return true;
        *text += n > 0;
        if (**text == '*' || **text == 'x' || **text == 'X') {
            (*text)++;
            any = true; /* what follows is any, too */
            continue;
        }
        if (!is_digit(**text) || bj__digits(text, &number) < 0 || number > PART_MAX)
            return false;
        if (!any)
            ret_partial->part[ret_partial->count++] = number;
    }
    return true;
}

bool bj__semver_find(const char *text, size_t length, char version[32])
{
    char copy[128];
    struct partial partial = {0};
    length = length < sizeof(copy) - 1 ? length : sizeof(copy) - 1;
    memcpy(copy, text, length);
    copy[length] = 0;
    const char *at = copy;
    while (*at && !is_digit(*at))
        at++;
    for (uint64_t number; partial.count < 3 && is_digit(*at); at += *at == '.') {
        if (bj__digits(&at, &number) < 0 || number > PART_MAX)
            return false;
        partial.part[partial.count++] = number;
    }
    (void)snprintf(version, 32, "%llu.%llu.%llu", (unsigned long long)partial.part[0],
                   (unsigned long long)partial.part[1], (unsigned long long)partial.part[2]); /* it fits */
    return partial.count > 0;
}

/* One comparator, "OP partial": [low, high). */
static bool read_range(const char **text, uint64_t *ret_low, uint64_t *ret_high)
{
    static const char *const operators[] = {">=", "<=", ">", "<", "^", "~", "=", ""};
    struct partial partial;
    unsigned op = 0;
    while (strncmp(*text, operators[op], strlen(operators[op])) != 0)
        op++;
    *text += strlen(operators[op]);
    *text += strspn(*text, " ");
    *text += **text == 'v';
    if (!read_partial(text, &partial) || (**text && !strchr(" |", **text)))
        return false;
    uint64_t low = pack(partial.part[0], partial.part[1], partial.part[2]);
    unsigned kept = 1; /* of '^': the first part that is not 0 */
    while (kept < partial.count && partial.part[kept - 1] == 0)
        kept++;
    const uint64_t ranges[][2] = {{low, EVERY},
                                  {0, above(&partial, partial.count)},
                                  {above(&partial, partial.count), EVERY},
                                  {0, partial.count > 0 ? low : 0},
                                  {low, above(&partial, partial.count < kept ? partial.count : kept)},
                                  {low, above(&partial, partial.count < 2 ? partial.count : 2)},
                                  {low, above(&partial, partial.count)},
                                  {low, above(&partial, partial.count)}};
    *ret_low = ranges[op][0];
    *ret_high = ranges[op][1];
    return true;
}

bool bj__semver_matches(const char *version, const char *selector)
{
    struct partial own;
    bool found = false;
    bool all = true;
    if (!read_partial(&version, &own))
        return false;
    uint64_t number = pack(own.part[0], own.part[1], own.part[2]);
    for (const char *at = selector;;) {
        uint64_t low;
        uint64_t high;
        at += strspn(at, " ");
        if (strncmp(at, "||", 2) == 0 || *at == 0) {
            found = found || all;
            all = true;
            if (*at == 0)
                return found;
            at += 2;
            continue;
        }
        if (!read_range(&at, &low, &high))
            return false;
        all = all && number >= low && number < high;
    }
}
