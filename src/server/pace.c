/* Large bodies are read at an even rate.
 * Its own file because it alone lets a client wait that has done nothing wrong, for the sake of those that ask for little.
 * Changes when: what is left to small requests is shared out in another way.
 *
 * The kernel hands over what a client sends at a gigabyte a second, for which sender and front need a processor each: runs would have
 * none. So beyond its first 256 KiB a body is read by grants, of which all bodies together get as many as upload_bytes_per_second says.
 * Who has to wait for one is not read from. The request that began first is next, so that each comes to its end, whoever comes later. */
#include "server/pace.h"

#include "server/http.h"

#include <microhttpd.h>

#define FREE_BYTES  262144u
#define GRANT_BYTES 262144u
#define BURST_US    10000u /* so much of what nobody took is left for who comes */

void bj__pace_init(struct bj_pace *pace, uint64_t bytes_per_second)
{
    *pace = (struct bj_pace){.grant_us = UINT64_C(1000000) * GRANT_BYTES / bytes_per_second};
    TAILQ_INIT(&pace->waiting);
}

static bool take_grant(struct bj_pace *pace, uint64_t now_us)
{
    if (pace->next_us > now_us)
        return false;
    if (pace->next_us + BURST_US < now_us)
        pace->next_us = now_us - BURST_US;
    pace->next_us += pace->grant_us;
    return true;
}

void bj__pace_begin(struct bj_paced *paced)
{
    *paced = (struct bj_paced){.left = FREE_BYTES};
}

/* In the order in which they began: of many that go on together none would come to its end. */
static void insert(struct bj_pace *pace, struct bj_exchange *exchange)
{
    struct bj_exchange *older;
    TAILQ_FOREACH_REVERSE(older, &pace->waiting, bj_paced_list, paced.entry)
    if (older->started_us <= exchange->started_us)
        break;
    if (older)
        TAILQ_INSERT_AFTER(&pace->waiting, older, exchange, paced.entry);
    else
        TAILQ_INSERT_HEAD(&pace->waiting, exchange, paced.entry);
}

void bj__pace_body(struct bj_exchange *exchange, size_t length)
{
    struct bj_paced *paced = &exchange->paced;
    struct bj_pace *pace = &exchange->http->pace;
    if (paced->waits) /* of a body in pieces, the rest of what was received already */
        return;
    if (length < paced->left) {
        paced->left -= length;
        return;
    }
    paced->left = GRANT_BYTES;
    const struct bj_exchange *first = TAILQ_FIRST(&pace->waiting);
    if ((!first || first->started_us >= exchange->started_us) && take_grant(pace, bj__now_us()))
        return;
    paced->waits = true;
    insert(pace, exchange);
    MHD_suspend_connection(exchange->connection->mhd);
}

static void resume(struct bj_pace *pace, struct bj_exchange *exchange)
{
    TAILQ_REMOVE(&pace->waiting, exchange, paced.entry);
    exchange->paced.waits = false;
    exchange->connection->listener->due = true;
    MHD_resume_connection(exchange->connection->mhd);
}

void bj__pace_tend(struct bj_pace *pace, uint64_t now_us)
{
    struct bj_exchange *first;
    while ((first = TAILQ_FIRST(&pace->waiting)) && take_grant(pace, now_us))
        resume(pace, first);
}

uint64_t bj__pace_due(const struct bj_pace *pace)
{
    return TAILQ_EMPTY(&pace->waiting) ? UINT64_MAX : pace->next_us;
}

void bj__pace_forget(struct bj_exchange *exchange)
{
    if (exchange->paced.waits)
        TAILQ_REMOVE(&exchange->http->pace.waiting, exchange, paced.entry);
}

void bj__pace_end(struct bj_exchange *exchange)
{
    if (exchange->paced.waits)
        resume(&exchange->http->pace, exchange);
}

void bj__pace_done(struct bj_pace *pace)
{
    struct bj_exchange *first;
    while ((first = TAILQ_FIRST(&pace->waiting)))
        resume(pace, first);
}
