/* Sizes and durations as people write them on a command line.
 * Its own file because the parser is pure and is tested without the rest of the command.
 * Changes when: another unit is accepted. */
#include "cli/units.h"

#include "base/base.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},           {"K", 1ull << 10},   {"k", 1ull << 10},   {"KiB", 1ull << 10}, {"M", 1ull << 20},
    {"m", 1ull << 20}, {"MiB", 1ull << 20}, {"G", 1ull << 30},   {"g", 1ull << 30},   {"GiB", 1ull << 30},
    {"T", 1ull << 40}, {"t", 1ull << 40},   {"TiB", 1ull << 40},
};

/* In microseconds. */
static const struct unit duration_units[] = {
    {"", 1000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}, {"m", 60000000}, {"h", 3600000000ull},
};

static uint64_t find_factor(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(units[i].name, name))
            return units[i].factor;
    return 0;
}

int bj__units_count(const char *text, uint64_t *ret_count)
{
    uint64_t value;
    int r = bj__digits(&text, &value);

    if (r < 0)
        return r;
    if (*text)
        return -EINVAL;
    *ret_count = value;
    return 0;
}

int bj__units_size(const char *text, uint64_t *ret_bytes)
{
    uint64_t value;
    int r = bj__digits(&text, &value);
    uint64_t factor = r == 0 ? find_factor(size_units, BJ_COUNT(size_units), text) : 0;

    if (r < 0)
        return r;
    if (!factor)
        return -EINVAL;
    if (__builtin_mul_overflow(value, factor, &value))
        return -ERANGE;
    *ret_bytes = value;
    return 0;
}

/* The digits behind a point, as a numerator over *ret_scale. */
static int read_fraction(const char **text, uint64_t *ret_numerator, uint64_t *ret_scale)
{
    const char *start = ++*text;
    uint64_t numerator;
    uint64_t scale = 1;
    int r = bj__digits(text, &numerator);

    if (r < 0)
        return r;
    if (*text - start > 9)
        return -EINVAL;
    for (const char *at = start; at < *text; at++)
        scale *= 10;
    *ret_numerator = numerator;
    *ret_scale = scale;
    return 0;
}

int bj__units_duration(const char *text, uint64_t *ret_us)
{
    uint64_t whole;
    uint64_t numerator = 0;
    uint64_t scale = 1;
    int r = bj__digits(&text, &whole);

    if (r == 0 && *text == '.')
        r = read_fraction(&text, &numerator, &scale);
    if (r < 0)
        return r;

    uint64_t factor = find_factor(duration_units, BJ_COUNT(duration_units), text);
    if (!factor)
        return -EINVAL;
    /* At most 10^9 * 3.6 * 10^9: no overflow. */
    uint64_t part = numerator * factor;
    if (part % scale)
        return -EINVAL;
    if (__builtin_mul_overflow(whole, factor, &whole) || __builtin_add_overflow(whole, part / scale, &whole))
        return -ERANGE;
    *ret_us = whole;
    return 0;
}
