/* Decides which layers are in force: what the spec asks for, against what the host offers.
 * Its own file because "fail closed, and say what held" is decided here and nowhere else.
 * Changes when: a layer is added. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <stdio.h>

bool bj__plan_layer_on(const struct bj_build *build, enum bj_layer layer)
{
    return build->plan->layers[layer].on;
}

/* The shipped profile (packaging/apparmor/belljar-guest) shows the distribution's own directories and the scratch. An
 * operator who has taught it more places in local/belljar-guest requires the layer, and it is not second-guessed. */
static bool apparmor_covers(const struct bj_mount *mount)
{
    static const char *const readable[] = {"/usr",   "/bin",    "/sbin", "/lib", "/lib32",
                                           "/lib64", "/libx32", "/opt",  "/etc"};
    for (size_t i = 0; i < BJ_COUNT(readable) && mount->mode == BJ_MOUNT_RO; i++) {
        size_t length = strlen(readable[i]);
        if (strncmp(mount->target, readable[i], length) == 0 &&
            (mount->target[length] == '/' || mount->target[length] == 0))
            return true;
    }
    return false;
}

static const char *look_for_apparmor(const struct bj_build *build, char *detail, size_t size)
{
    const struct bj_spec *spec = build->spec;
    (void)snprintf(detail, size, "%s", build->host->apparmor_profile);
    if (!build->host->apparmor)
        return build->host->apparmor_problem;
    if (spec->network != BJ_NETWORK_NONE)
        return "its profile allows no network, and one was asked for";
    for (size_t i = 0; i < spec->mount_count && spec->layers[BJ_LAYER_APPARMOR] == BJ_PREFER; i++)
        if (!spec->mounts[i].beneath && !apparmor_covers(&spec->mounts[i]))
            return "its profile does not show all mounts; teach it local/belljar-guest and require the layer";
    return NULL;
}

/* The layer gives way to what the operator mounts. What a request mounts must not take a layer away (a request only
 * narrows), and under the profile the guest would find nothing there: so it is told. */
static int check_requested_mounts(const struct bj_build *build)
{
    const struct bj_spec *spec = build->spec;
    if (!bj__plan_layer_on(build, BJ_LAYER_APPARMOR) || spec->layers[BJ_LAYER_APPARMOR] != BJ_PREFER)
        return 0;
    for (size_t i = 0; i < spec->mount_count; i++)
        if (spec->mounts[i].beneath && !apparmor_covers(&spec->mounts[i]))
            return bj__error(
                build->err, BJ_ERROR_WIDENS, EPERM, "mounts",
                "\"%.150s\" is nothing that AppArmor's profile %.60s shows, and a request cannot take that "
                "layer away; ask for a place below /opt, /etc or /usr",
                spec->mounts[i].target, build->host->apparmor_profile);
    return 0;
}

/* NULL: can be had, with detail filled. Otherwise why not. */
static const char *look_for(const struct bj_build *build, enum bj_layer layer, char *detail, size_t size)
{
    const struct bj_host *host = build->host;
    switch (layer) {
    case BJ_LAYER_USER:
        return host->user_namespace ? NULL : host->user_namespace_problem;
    case BJ_LAYER_TIME:
        return host->time_namespace ? NULL : "not in this kernel (CONFIG_TIME_NS, Linux 5.6)";
    case BJ_LAYER_CGROUP_NS:
        return host->cgroup_namespace ? NULL : "not in this kernel (CONFIG_CGROUPS)";
    case BJ_LAYER_LANDLOCK:
        (void)snprintf(detail, size, "abi %d", host->landlock_abi);
        return host->landlock_abi > 0 ? NULL : host->landlock_problem;
    case BJ_LAYER_APPARMOR:
        return look_for_apparmor(build, detail, size);
    case BJ_LAYER_DENIAL_REPORT:
        if (!build->plan->layers[BJ_LAYER_SECCOMP].on)
            return "there is no filter to report of";
        return host->seccomp_notify ? NULL : host->notify_problem;
    case BJ_LAYER_CGROUP: {
        const struct bj_host_cgroup *cgroup = &host->cgroup;
        bool memory = cgroup->v1_memory[0] || cgroup->unified_memory;
        bool pids = cgroup->v1_pids[0] || cgroup->unified_pids;
        (void)snprintf(detail, size, "%s%s%s%s", cgroup->unified[0] ? "v2" : "v1", memory ? ", memory" : "",
                       pids ? ", pids" : "", cgroup->unified_kill ? ", kill" : "");
        bool enough = build->spec->layers[BJ_LAYER_CGROUP] == BJ_REQUIRE ? memory && pids : memory || pids;
        return enough               ? NULL
               : cgroup->problem[0] ? cgroup->problem
                                    : "only one of memory and pids can be limited";
    }
    case BJ_LAYER_NET:
        if (build->spec->network != BJ_NETWORK_NONE)
            (void)snprintf(detail, size,
                           build->spec->network == BJ_NETWORK_HOST ? "the host's, as asked" : "loopback");
        return NULL;
    case BJ_LAYER_MOUNT:
    case BJ_LAYER_PID:
    case BJ_LAYER_IPC:
    case BJ_LAYER_UTS:
        return host->user_namespace || host->root ? NULL : host->user_namespace_problem;
    case BJ_LAYER_CAPABILITIES:
    case BJ_LAYER_NO_NEW_PRIVS:
    case BJ_LAYER_KEYRING:
    case BJ_LAYER_RLIMITS:
    case BJ_LAYER_SECCOMP:
    case BJ_LAYER__COUNT:
    default:
        return NULL;
    }
}

static int decide(struct bj_build *build, enum bj_layer layer)
{
    enum bj_mode mode = build->spec->layers[layer];
    struct bj_plan_layer *decided = &build->plan->layers[layer];
    decided->mode = (uint8_t)mode;
    if (mode == BJ_OFF) {
        (void)snprintf(decided->detail, sizeof(decided->detail), "off: not asked for");
        return 0;
    }
    char detail[sizeof(decided->detail)] = "";
    const char *problem = look_for(build, layer, detail, sizeof(detail));
    if (problem && mode == BJ_REQUIRE) {
        char field[64];
        (void)snprintf(field, sizeof(field), "layers.%s", bj__layer_name(layer));
        return bj__error(build->err, BJ_ERROR_UNAVAILABLE, ENOTSUP, field,
                         "required, but unavailable: %s (see \"belljar doctor\")", problem);
    }
    decided->on = !problem;
    if (problem)
        (void)snprintf(decided->detail, sizeof(decided->detail), "unavailable: %.100s", problem);
    else
        (void)snprintf(decided->detail, sizeof(decided->detail), "%s", detail);
    return 0;
}

static uint64_t clone_flags(const struct bj_build *build)
{
    static const struct {
        enum bj_layer layer;
        uint64_t flag;
    } flags[] = {
        {BJ_LAYER_USER, BJ_CLONE_NEWUSER}, {BJ_LAYER_MOUNT, BJ_CLONE_NEWNS},
        {BJ_LAYER_PID, BJ_CLONE_NEWPID},   {BJ_LAYER_IPC, BJ_CLONE_NEWIPC},
        {BJ_LAYER_UTS, BJ_CLONE_NEWUTS},   {BJ_LAYER_TIME, BJ_CLONE_NEWTIME},
        {BJ_LAYER_NET, BJ_CLONE_NEWNET},   {BJ_LAYER_CGROUP_NS, BJ_CLONE_NEWCGROUP},
    };
    uint64_t result = 0;
    for (size_t i = 0; i < BJ_COUNT(flags); i++)
        if (bj__plan_layer_on(build, flags[i].layer))
            result |= flags[i].flag;
    if (build->spec->network == BJ_NETWORK_HOST)
        result &= ~BJ_CLONE_NEWNET;
    return result;
}

int bj__plan_layers(struct bj_build *build)
{
    struct bj_plan *plan = build->plan;
    const struct bj_host *host = build->host;
    for (enum bj_layer layer = 0; layer < BJ_LAYER__COUNT; layer++) {
        int r = decide(build, layer);
        if (r < 0)
            return r;
    }
    plan->user_namespace = plan->layers[BJ_LAYER_USER].on;
    if (!plan->user_namespace && !host->root)
        return bj__error(build->err, BJ_ERROR_UNAVAILABLE, EPERM, "layers.user",
                         "without a user namespace only root can make a jail: %s",
                         host->user_namespace_problem[0] ? host->user_namespace_problem
                                                         : "run as root, or require it");
    plan->two_ids = host->root || host->maps_ids;
    plan->id_first = host->id_first;
    plan->id_count = host->id_count;
    plan->uid = host->uid;
    plan->gid = host->gid;
    plan->notify = plan->layers[BJ_LAYER_DENIAL_REPORT].on;
    plan->cgroup = plan->layers[BJ_LAYER_CGROUP].on;
    plan->clone_flags = clone_flags(build);
    return check_requested_mounts(build);
}
