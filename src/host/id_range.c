/* BELLJAR_ID_RANGE and id maps.
 * Its own file because it is pure, and a mistake here lets two runs share an id.
 * Changes when: the syntax of BELLJAR_ID_RANGE or the number of ids of a run changes. */
#include "host/id_range.h"
#include "host/small.h"

#define FIELD "BELLJAR_ID_RANGE"

static int parse_pair(const char *text, uint64_t *first, uint64_t *count)
{
    if (bj__digits(&text, first) < 0 || *text++ != ':' || bj__digits(&text, count) < 0)
        return -EINVAL;
    return *text == 0 ? 0 : -EINVAL;
}

int bj__id_range_parse(const char *text, uint64_t pid_max, uint32_t *ret_first, uint32_t *ret_count,
                       struct bj_error *err)
{
    uint64_t first = BJ_ID_FIRST_DEFAULT;
    uint64_t count = BJ_ID_COUNT_DEFAULT;
    if (text && parse_pair(text, &first, &count) < 0)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, FIELD,
                         "\"%.60s\" is not FIRST:COUNT in decimal digits; for example %u:%u", text,
                         BJ_ID_FIRST_DEFAULT, BJ_ID_COUNT_DEFAULT);
    if (first < BJ_ID_FIRST_MINIMUM)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, FIELD,
                         "first id %llu is below %u, where people and services have theirs; use %u",
                         (unsigned long long)first, BJ_ID_FIRST_MINIMUM, BJ_ID_FIRST_DEFAULT);
    /* 4294967295 is (uid_t)-1, "no change" to chown(2) and setresuid(2). */
    if (first >= UINT32_MAX || count > UINT32_MAX - first)
        return bj__error(err, BJ_ERROR_INVALID, ERANGE, FIELD,
                         "%llu:%llu passes the last id 4294967294; lower the first id or the count",
                         (unsigned long long)first, (unsigned long long)count);
    if (count < BJ_IDS_PER_RUN * pid_max)
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, FIELD,
                         "count %llu is below %llu, two ids for each of the %llu pids of this host; raise it, "
                         "or lower sysctl kernel.pid_max to %llu",
                         (unsigned long long)count, (unsigned long long)(BJ_IDS_PER_RUN * pid_max),
                         (unsigned long long)pid_max, (unsigned long long)(count / BJ_IDS_PER_RUN));
    *ret_first = (uint32_t)first;
    *ret_count = (uint32_t)count;
    return 0;
}

static void skip_blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* One extent, "inside outside length" (user_namespaces(7)). */
static int parse_extent(const char **at, uint64_t *inside, uint64_t *length)
{
    uint64_t outside;
    skip_blanks(at);
    if (bj__digits(at, inside) < 0)
        return -EINVAL;
    skip_blanks(at);
    if (bj__digits(at, &outside) < 0)
        return -EINVAL;
    skip_blanks(at);
    if (bj__digits(at, length) < 0 || (**at != '\n' && **at != 0))
        return -EINVAL;
    *at += **at == '\n';
    return 0;
}

bool bj__id_range_mapped(const char *map, uint32_t first, uint32_t count)
{
    uint64_t inside;
    uint64_t length;
    uint64_t end = (uint64_t)first + count;
    while (*map && parse_extent(&map, &inside, &length) == 0)
        if (inside <= first && end - inside <= length)
            return true;
    return false;
}
