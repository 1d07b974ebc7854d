/* Languages for clients of Piston, and their versions.
 * Its own file because what is offered, how it is started and which version it has is one table.
 * Changes when: another language can be had.
 *
 * What a profile's programs are called is known; which version they have only they can say, and only in a jail. So the first who asks
 * waits for that, once. */
#include "server/compat/runtimes.h"
#include "server/compat/compat.h"
#include "server/compat/semver.h"
#include "spec/build.h"

#include <stdio.h>

static const struct bj_runtime runtimes[] = {
    {"python", {"py", "py3", "python3"}, NULL, "python", {"python3", "--version"}, {NULL}, NULL, {"python3"}},
    {"c",
     {"gcc"},
     "gcc",
     "c",
     {"gcc", "-dumpfullversion"},
     {"gcc", "-std=c11", "-o", BJ_RUNTIME_BINARY, "-x", "c"},
     "-lm",
     {"./" BJ_RUNTIME_BINARY}},
    {"c++",
     {"cpp", "g++"},
     "gcc",
     "c",
     {"g++", "-dumpfullversion"},
     {"g++", "-std=c++17", "-o", BJ_RUNTIME_BINARY, "-x", "c++"},
     NULL,
     {"./" BJ_RUNTIME_BINARY}},
    {"bash", {"sh"}, NULL, "sh", {"bash", "--version"}, {NULL}, NULL, {"bash"}},
    {"javascript",
     {"node-javascript", "node-js", "node", "js"},
     "node",
     "node",
     {"node", "--version"},
     {NULL},
     NULL,
     {"node"}},
};
_Static_assert(BJ_COUNT(runtimes) <= BJ_SERVICE_RUNTIMES, "the service has room for their versions");

static const char missing[] = "-"; /* instead of a version */

static size_t place_of(const struct bj_runtime *runtime)
{
    return (size_t)(runtime - runtimes);
}

bool bj__runtime_is(const struct bj_runtime *runtime, const char *language)
{
    if (strcmp(runtime->language, language) == 0)
        return true;
    for (const char *const *alias = runtime->aliases; *alias; alias++)
        if (strcmp(*alias, language) == 0)
            return true;
    return false;
}

const struct bj_runtime *bj__runtime_next(const struct bj_exchange *exchange, const struct bj_runtime *before,
                                          const char **ret_version)
{
    for (size_t n = before ? place_of(before) + 1 : 0; n < BJ_COUNT(runtimes); n++) {
        const char *version = exchange->service->runtime_versions[n];
        if (!version[0] || strcmp(version, missing) == 0 || !bj__compat_profile(exchange, runtimes[n].profile))
            continue;
        *ret_version = version;
        return &runtimes[n];
    }
    return NULL;
}

/* ---- versions -------------------------------------------------------------------------------------- */

struct probe {
    struct bj_exchange *exchange;
    struct bj_job *job;
    const struct bj_runtime *runtime;
    void (*again)(struct bj_exchange *exchange);
};

static void on_done(void *user, struct bj_message *message, const struct bj_outcome *outcome)
{
    struct probe *probe = user;
    struct bj_exchange *exchange = probe->exchange;
    void (*again)(struct bj_exchange *) = probe->again;
    char *version = exchange->service->runtime_versions[place_of(probe->runtime)];
    struct bj_refusal refusal;
    (void)message;
    exchange->gone = NULL;
    free(probe);
    bool said = outcome->status == BJ_STATUS_OK && outcome->output_length[BJ_STDOUT] > 0 &&
                bj__semver_find(outcome->output[BJ_STDOUT], outcome->output_length[BJ_STDOUT], version);
    if (!said && outcome->status != BJ_STATUS_OK && outcome->status != BJ_STATUS_EXIT) {
        version[0] = 0; /* next time, perhaps */
        (void)bj__refuse(&refusal, BJ_REFUSAL_UNAVAILABLE, "a runtime does not say its version: %s",
                         outcome->error ? outcome->error : bj_status_name(outcome->status));
        bj__answer_refusal(exchange, &refusal);
        return;
    }
    if (!said)
        (void)snprintf(version, sizeof(exchange->service->runtime_versions[0]), "%s", missing); /* it fits */
    again(exchange);
}

static void on_refused(void *user, const struct bj_refusal *refusal)
{
    struct probe *probe = user;
    struct bj_exchange *exchange = probe->exchange;
    exchange->gone = NULL;
    free(probe);
    bj__answer_refusal(exchange, refusal);
}

static void on_gone(struct bj_exchange *exchange)
{
    struct probe *probe = exchange->own;
    bj__job_cancel(probe->job);
    free(probe);
}

static const struct bj_job_events events = {.done = on_done, .refused = on_refused};

static void start_probe(struct bj_exchange *exchange, const struct bj_runtime *runtime,
                        void (*again)(struct bj_exchange *exchange))
{
    struct bj_request request = {.keys = 1u << BJ_KEY_PROFILE | 1u << BJ_KEY_COMMAND,
                                 .spec = bj__spec_new_empty()};
    struct bj_refusal refusal;
    struct probe *probe = calloc(1, sizeof(*probe));
    struct bj_job_order order = {.request = &request, .events = &events, .user = probe};
    int r = probe && request.spec
                ? bj__copy_text(&request.spec->arena, runtime->profile, &request.spec->profile)
                : -ENOMEM;
    for (const char *const *word = runtime->probe; r == 0 && *word; word++)
        r = bj__strings_add(&request.spec->arena, &request.spec->command, *word);
    if (r < 0) {
        (void)bj__refuse(&refusal, BJ_REFUSAL_BUFFERS, "there is no memory for it now");
        bj__answer_refusal(exchange, &refusal);
    } else {
        *probe = (struct probe){exchange, NULL, runtime, again};
        if (bj__compat_start(exchange, &order, &probe->job)) {
            exchange->own = probe;
            exchange->gone = on_gone;
            probe = NULL;
        }
    }
    free(probe);
    bj__request_done(&request);
}

bool bj__runtimes_known(struct bj_exchange *exchange, const char *language,
                        void (*again)(struct bj_exchange *exchange))
{
    for (size_t n = 0; n < BJ_COUNT(runtimes); n++) {
        if (exchange->service->runtime_versions[n][0] ||
            (language && !bj__runtime_is(&runtimes[n], language)) ||
            !bj__compat_profile(exchange, runtimes[n].profile))
            continue;
        start_probe(exchange, &runtimes[n], again);
        return false;
    }
    return true;
}
