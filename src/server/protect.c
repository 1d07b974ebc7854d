/* What keeps guests from starving the service itself.
 * Its own file because it is about the host's scheduling, not about serving.
 * Changes when: the service is protected by something more.
 *
 *     belljard.service        delegated: controllers are on here
 *     ├── service             keeper, broker, front: memory.min, memory.low, cpu.weight
 *     └── belljar-PID-N       a run: host_cgroup.c takes the parent of the broker's own group, because that one has processes */
#include "server/protect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "host/small.h"

#define GROUP      "service"
#define MEMORY_MIN "67108864"  /* what the three need to go on at all */
#define MEMORY_LOW "268435456" /* with the bodies that a busy front holds */
#define CPU_WEIGHT "1000"      /* a run has 100, and there are many */
#define MOST_FILES 65536u

static void protect_memory(struct bj_log *log)
{
    char now[16] = "";
    char wanted[16];
    (void)snprintf(wanted, sizeof(wanted), "%d", BJ_PROTECT_OOM_SCORE);
    (void)bj__small_read(AT_FDCWD, "/proc/self/oom_score_adj", now, sizeof(now));
    if (strtol(now, NULL, 10) <= BJ_PROTECT_OOM_SCORE)
        return;
    int r = bj__small_write(AT_FDCWD, "/proc/self/oom_score_adj", wanted);
    if (r < 0)
        bj__log_say(log, BJ_LOG_INFO, "protection",
                    "oom_score_adj stays as it is (%s): when memory is short the kernel may choose the service",
                    strerror(-r));
}

/* A jail has about fifteen descriptors. */
static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MOST_FILES)
        return;
    limit.rlim_cur = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Nobody but this process, or a group would be taken from under others. */
static bool is_alone(int group)
{
    char procs[64];
    char self[24];
    (void)snprintf(self, sizeof(self), "%ld\n", (long)getpid());
    return bj__small_read(group, "cgroup.procs", procs, sizeof(procs)) > 0 && strcmp(procs, self) == 0;
}

static bool is_service_group(const char *directory)
{
    const char *name = strrchr(directory, '/');
    return name && strcmp(name + 1, GROUP) == 0;
}

/* Controllers can be switched on only once the group has no processes of its own (cgroups(7)). What fails here is told by what
 * the runs then lack. */
static int move(int parent)
{
    char self[24];
    (void)snprintf(self, sizeof(self), "%ld", (long)getpid());
    if (mkdirat(parent, GROUP, 0755) < 0 && errno != EEXIST)
        return -errno;
    int r = bj__small_write(parent, GROUP "/cgroup.procs", self);
    if (r < 0) {
        (void)unlinkat(parent, GROUP, AT_REMOVEDIR);
        return r;
    }
    static const char *const controllers[] = {"+memory", "+pids", "+cpu"};
    for (size_t n = 0; n < BJ_COUNT(controllers); n++)
        (void)bj__small_write(parent, "cgroup.subtree_control", controllers[n]);
    return 0;
}

static bool set_shares(int group)
{
    bool memory = bj__small_write(group, "memory.min", MEMORY_MIN) == 0;
    memory = bj__small_write(group, "memory.low", MEMORY_LOW) == 0 && memory;
    return bj__small_write(group, "cpu.weight", CPU_WEIGHT) == 0 && memory;
}

static void protect_group(struct bj_log *log)
{
    char directory[sizeof(((struct bj_host_cgroup *)0)->unified)];
    bool ours = false;
    if (bj__host_own_group(directory, &ours) < 0)
        return; /* without v2 there is nothing to divide */
    BJ_FD int group = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group >= 0 && is_service_group(directory)) { /* DelegateSubgroup=service */
        bj__log_say(log, BJ_LOG_INFO, "protection", "in %s%s", directory,
                    set_shares(group) ? "" : ", whose shares cannot all be set");
        return;
    }
    if (group < 0 || !ours || !is_alone(group)) {
        bj__log_say(
            log, BJ_LOG_INFO, "protection",
            "%s is not this service's own control group, so memory and processors are not kept for it; fix: "
            "Delegate=yes in its unit",
            directory);
        return;
    }
    int r = move(group);
    BJ_FD int service = r < 0 ? -1 : openat(group, GROUP, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool shares = service >= 0 && set_shares(service);
    if (r < 0)
        bj__log_say(log, BJ_LOG_WARNING, "protection", "cannot make a group in %s: %s", directory,
                    strerror(-r));
    else
        bj__log_say(log, BJ_LOG_INFO, "protection", "in %s/" GROUP "%s", directory,
                    shares ? "" : ", whose shares cannot all be set");
}

void bj__protect(struct bj_log *log)
{
    raise_files();
    protect_memory(log);
    protect_group(log);
}
