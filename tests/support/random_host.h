/* Hosts that no machine need be, and plans on them.
 * Its own file because plans are made without a system call, so the fuzzers of plans need no host at all.
 * Changes when: a plan depends on something more of the host. */
#ifndef TEST_RANDOM_HOST_H
#define TEST_RANDOM_HOST_H

#include "choices.h"

#include "plan/plan_internal.h"

#include <stdio.h>

static inline void random_cgroups(struct choices *choices, struct bj_host_cgroup *cgroup)
{
    bool unified = chance(choices, 50);
    bool v1 = chance(choices, 30);
    if (!unified && !v1)
        (void)snprintf(cgroup->problem, sizeof(cgroup->problem), "none");
    if (unified) {
        (void)snprintf(cgroup->unified, sizeof(cgroup->unified), "/sys/fs/cgroup/own");
        cgroup->unified_memory = chance(choices, 70);
        cgroup->unified_pids = chance(choices, 70);
    }
    if (v1 && chance(choices, 70))
        (void)snprintf(cgroup->v1_memory, sizeof(cgroup->v1_memory), "/sys/fs/cgroup/memory");
    if (v1 && chance(choices, 70))
        (void)snprintf(cgroup->v1_pids, sizeof(cgroup->v1_pids), "/sys/fs/cgroup/pids");
}

/* One decision after another: in an initializer they would have no order. */
static inline struct bj_host random_host(struct choices *choices)
{
    struct bj_host host = {.id_first = 1610612736, .id_count = 16777216};
    host.kernel = chance(choices, 80) ? 6u << 16 | 1u << 8 : 5u << 16 | 12u << 8;
    host.root = chance(choices, 50);
    host.maps_ids = chance(choices, 20);
    host.user_namespace = !chance(choices, 10);
    host.time_namespace = !chance(choices, 10);
    host.cgroup_namespace = !chance(choices, 10);
    host.landlock_abi = (int)below(choices, 8);
    host.seccomp_notify = !chance(choices, 20);
    host.seccomp_wait_killable = chance(choices, 50);
    host.nosymfollow = !chance(choices, 20);
    host.proc_subset = !chance(choices, 20);
    host.apparmor = chance(choices, 40);
    (void)snprintf(host.apparmor_profile, sizeof(host.apparmor_profile), "belljar-guest");
    random_cgroups(choices, &host.cgroup);
    return host;
}

/* What is run where the spec does not say it: a snippet, alone or of a session, or a command. */
static inline int give_program(struct bj_spec *spec, bool snippet, bool session)
{
    static const char *const command[] = {"fixed", NULL};
    bool has_one = spec->command.count > 0 || spec->code || spec->expression;
    spec->session = session && (has_one ? spec->command.count == 0 : snippet);
    if (has_one)
        return 0;
    return snippet ? bj_spec_set_code(spec, "pass", NULL) : bj_spec_set_command(spec, command, NULL);
}

/* The plan of a spec whose sources are made up: every mount is a directory, every source file holds one word. */
static inline int plan_on_host(const struct bj_spec *spec, const struct bj_host *host,
                               struct bj_plan **ret_plan, struct bj_error *err)
{
    enum bj_source_kind kinds[BJ_MAX_MOUNTS];
    struct bj_source_entry entries[16] = {{0}};
    bool snippet = spec->code || spec->expression;
    struct bj_sources sources = {.entries = entries, .mounts = kinds, .guest = snippet ? "/opt/guest" : NULL};
    for (size_t i = 0; i < BJ_MAX_MOUNTS; i++)
        kinds[i] = BJ_SOURCE_DIRECTORY;
    for (size_t i = 0; i < spec->file_count && i < BJ_COUNT(entries); i++) {
        const struct bj_file *file = &spec->files[i];
        bool given = file->kind == BJ_FILE_BYTES;
        entries[sources.entry_count++] = (struct bj_source_entry){.path = file->path,
                                                                  .bytes = given ? file->bytes : "word",
                                                                  .length = given ? file->length : 4,
                                                                  .executable = file->executable};
    }
    return bj__plan_build(spec, host, &sources, ret_plan, err);
}

#endif
