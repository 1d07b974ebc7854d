/* Where this process may make control group leaves: own group, writable, which controllers a leaf would have.
 * Its own file because three layouts (v2, v1, both) and systemd's delegation are judged here and nowhere else.
 * Changes when: the rules of who may make a control group change. */
#include "host/cgroup_scan.h"
#include "host/host.h"
#include "host/id_range.h"
#include "host/kernel.h"
#include "host/mount_at.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

_Static_assert(sizeof(((struct bj_host_cgroup *)0)->unified) == BJ_CGROUP_PATH, "one size of path");

#define JOINED_SIZE (BJ_CGROUP_PATH + 32)

struct group {
    char *directory; /* cut to the parent by use_parent() */
    bool memory, pids, cpu;
    int error; /* 0: leaves may be made here */
};

static int read_piece(int fd, char *piece, size_t size)
{
    ssize_t length;
    do
        length = read(fd, piece, size);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : (int)length;
}

static int read_own(struct bj_cgroup_scan *scan)
{
    BJ_FD int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    char piece[1024];
    int length = fd < 0 ? -errno : (int)sizeof(piece);
    /* The kernel gives as much of this text as there is room for, so less than that is its end. */
    while (length == (int)sizeof(piece)) {
        length = read_piece(fd, piece, sizeof(piece));
        if (length > 0)
            bj__cgroup_scan_own(scan, piece, (size_t)length);
    }
    bj__cgroup_scan_own(scan, piece, 0);
    return length < 0 ? length : 0;
}

/* Until its end, or until the scan has found everything. */
static int read_mounts(struct bj_cgroup_scan *scan)
{
    BJ_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char piece[4096];
    int length = fd < 0 ? -errno : 1;
    while (length > 0) {
        length = read_piece(fd, piece, sizeof(piece));
        if (length >= 0 && bj__cgroup_scan_mounts(scan, piece, (size_t)length))
            return 0;
    }
    return length;
}

static bool is_missing(const struct bj_cgroup_scan *scan, enum bj_hierarchy hierarchy)
{
    return scan->own[hierarchy][0] != 0 && scan->directory[hierarchy][0] == 0;
}

/* Asks the one mount that the hierarchy has on nearly every host. */
static void look_at_usual_place(struct bj_cgroup_scan *scan, enum bj_hierarchy hierarchy)
{
    static const char *const v1_places[] = {[BJ_V1_MEMORY] = "/sys/fs/cgroup/memory",
                                            [BJ_V1_PIDS] = "/sys/fs/cgroup/pids",
                                            [BJ_V1_CPUACCT] = "/sys/fs/cgroup/cpuacct"};
    bool mixed = scan->own[BJ_V1_MEMORY][0] || scan->own[BJ_V1_PIDS][0];
    const char *place = hierarchy != BJ_V2 ? v1_places[hierarchy]
                        : mixed            ? "/sys/fs/cgroup/unified"
                                           : "/sys/fs/cgroup";
    struct bj_mount_at mount;
    if (bj__mount_at(place, &mount) < 0)
        return;
    if (mount.magic == CGROUP2_SUPER_MAGIC)
        bj__cgroup_scan_mount(scan, NULL, mount.root, place);
    else if (mount.magic == CGROUP_SUPER_MAGIC)
        bj__cgroup_scan_mount(scan, mount.options, mount.root, place);
}

/* The directories of some hierarchies: from their usual places, and what is not there from the list of all
 * mounts, which takes the kernel longer to write than everything else here together. */
static int locate(struct bj_cgroup_scan *scan, const enum bj_hierarchy *hierarchies, size_t count)
{
    bool missing = false;
    for (size_t i = 0; i < count; i++) {
        if (is_missing(scan, hierarchies[i]))
            look_at_usual_place(scan, hierarchies[i]);
        missing = missing || is_missing(scan, hierarchies[i]);
    }
    return missing ? read_mounts(scan) : 0;
}

/* "DIRECTORY/NAME"; false when it does not fit. */
static bool join(char path[JOINED_SIZE], const char *directory, const char *name)
{
    size_t directory_length = strlen(directory);
    size_t name_size = strlen(name) + 1;
    if (directory_length + 1 + name_size > JOINED_SIZE)
        return false;
    memcpy(path, directory, directory_length);
    path[directory_length] = '/';
    memcpy(path + directory_length + 1, name, name_size);
    return true;
}

static bool may_write(const char *directory, const char *name)
{
    char path[JOINED_SIZE];
    return join(path, directory, name) && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* A leaf needs mkdir in the directory, and moving a process into it needs to write the cgroup.procs of the
 * nearest common ancestor, which is this directory (cgroups(7), "Moving processes"). 0 or errno. */
static int check_writable(const char *directory)
{
    if (directory[0] == 0)
        return ENOENT;
    if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0)
        return errno;
    return may_write(directory, "cgroup.procs") ? 0 : errno;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += length)
        if ((at == text || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ' || at[length] == '\n'))
            return true;
    return false;
}

static int read_file_of(const char *directory, const char *name, char *text, size_t size)
{
    char path[JOINED_SIZE];
    return join(path, directory, name) ? bj__small_read(AT_FDCWD, path, text, size) : -ENAMETOOLONG;
}

/* Root of a namespace with one user (`unshare -Ur`) is that user. */
static bool is_root(void)
{
    char map[64];
    return geteuid() == 0 && (bj__small_read(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) < 0 ||
                              bj__id_range_mapped(map, 0, 2));
}

/* systemd marks what it has given away (251 with user.delegate); an ordinary user can only write what it was
 * given, but root can write everything and must not switch controllers on in a group that is not its own. */
static bool is_delegated(const char *directory)
{
    char mark[4] = "";
    return !is_root() || getxattr(directory, "user.delegate", mark, sizeof(mark)) > 0 ||
           getxattr(directory, "trusted.delegate", mark, sizeof(mark)) > 0;
}

/* Controllers of a child of this group: those that are switched on, or that could be: only a group without
 * processes of its own may (cgroups(7), "no internal processes"), and only in a delegated one is it ours to. */
static void read_controllers(struct group *group)
{
    char on[256];
    char offered[256];
    char procs[16];
    group->memory = group->pids = group->cpu = false;
    if (read_file_of(group->directory, "cgroup.subtree_control", on, sizeof(on)) < 0)
        return;
    group->memory = has_word(on, "memory");
    group->pids = has_word(on, "pids");
    group->cpu = has_word(on, "cpu");
    if ((group->memory && group->pids) ||
        read_file_of(group->directory, "cgroup.controllers", offered, sizeof(offered)) < 0 ||
        !(has_word(offered, "memory") || has_word(offered, "pids")) ||
        !may_write(group->directory, "cgroup.subtree_control") ||
        read_file_of(group->directory, "cgroup.procs", procs, sizeof(procs)) != 0 ||
        !is_delegated(group->directory))
        return;
    group->memory = has_word(offered, "memory");
    group->pids = has_word(offered, "pids");
}

/* The group above the caller's own, if the mount shows it. */
static bool use_parent(char *directory, size_t mount_length)
{
    char *slash = strrchr(directory, '/');
    if (!slash || (size_t)(slash - directory) < mount_length)
        return false;
    *slash = 0;
    return true;
}

/* Chooses between the caller's own v2 group and its parent. The own group holds the caller and so can rarely
 * give controllers to a child; the parent, where it may be written (systemd-run --user, DelegateSubgroup=),
 * can. With neither, a leaf below the own group still gives cgroup.kill and cpu.stat. */
static void choose_unified(const struct bj_cgroup_scan *scan, bool need_controllers, struct group *group)
{
    group->error = check_writable(group->directory);
    if (group->error == 0 && !need_controllers)
        return;
    if (group->error == 0) {
        read_controllers(group);
        if (group->memory && group->pids)
            return;
    }
    char above[BJ_CGROUP_PATH];
    memcpy(above, group->directory, sizeof(above));
    struct group parent = {.directory = above};
    if (!need_controllers || !use_parent(above, scan->mount_length[BJ_V2]) || check_writable(above) != 0)
        return;
    read_controllers(&parent);
    if (!parent.memory || !parent.pids)
        return;
    memcpy(group->directory, above, sizeof(above));
    group->memory = parent.memory;
    group->pids = parent.pids;
    group->cpu = parent.cpu;
    group->error = 0;
}

#define DELEGATE_ROOT                                                                                          \
    "; fix: systemd-run --scope -p Delegate=yes COMMAND, or Delegate=yes and DelegateSubgroup=main in the "    \
    "unit"
#define DELEGATE_USER                                                                                          \
    "; fix: systemd-run --user --scope -p Delegate=yes COMMAND, or Delegate=yes and DelegateSubgroup=main in " \
    "the unit"

/* What would give controllers to the leaves of a caller whose groups may be written but have none to give. */
static const char *fix_controllers(const struct bj_cgroup_scan *scan)
{
    const char *directory = scan->directory[BJ_V2];
    if (!may_write(directory, "cgroup.type")) /* the root of the hierarchy has no type */
        return "; fix: echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control";
    if (strlen(directory) == scan->mount_length[BJ_V2]) /* the root that a container sees */
        return "; fix: let the container's entry point make room, see \"Containers\" in docs/INSTALL.md";
    return is_root() ? DELEGATE_ROOT : DELEGATE_USER;
}

static const char *fix_rights(const struct bj_cgroup_scan *scan)
{
    if (scan->own[BJ_V1_MEMORY][0] || scan->own[BJ_V1_PIDS][0]) /* systemd does not give v1 groups to users */
        return "; fix: as root make a group for it in each v1 hierarchy, see \"Control groups\" in "
               "docs/INSTALL.md";
    return is_root() ? DELEGATE_ROOT : DELEGATE_USER;
}

/* One line for people: why leaves lack a limit, and what to do about it ("why; fix: command"). */
static void explain(const struct bj_cgroup_scan *scan, int error, struct bj_host_cgroup *cgroup)
{
    bool memory = cgroup->v1_memory[0] || cgroup->unified_memory;
    bool pids = cgroup->v1_pids[0] || cgroup->unified_pids;
    const char *missing = memory ? "pids" : pids ? "memory" : "memory and pids";
    const char *why;
    const char *fix;
    if (memory && pids)
        return;
    if (scan->too_long) {
        why = "the path of its control group is too long";
        fix = "; fix: run it in a group with a shorter path";
    } else if (error == ENOENT) {
        why = "its control group is not mounted";
        fix = "; fix: mount -t cgroup2 none /sys/fs/cgroup (in a container: by its runtime)";
    } else if (error == EROFS) {
        why = "/sys/fs/cgroup is read-only";
        fix = "; fix: docker run --security-opt writable-cgroups=true, podman run --security-opt "
              "unmask=/sys/fs/cgroup";
    } else if (error != 0) {
        why = "its group may not be written";
        fix = fix_rights(scan);
    } else {
        why = "its group has no such controller to give to a leaf";
        fix = fix_controllers(scan);
    }
    (void)snprintf(cgroup->problem, sizeof(cgroup->problem), "no %s limit: %s%s", missing, why, fix);
}

static bool has_kill(void)
{
    struct utsname name;
    return uname(&name) == 0 && bj__kernel_version(name.release) >= KERNEL_VERSION(5, 14, 0);
}

static int keep_if_writable(char *to, const char *directory)
{
    int error = check_writable(directory);
    if (error == 0)
        memcpy(to, directory, BJ_CGROUP_PATH);
    return error;
}

void bj__host_judge_cgroup(struct bj_cgroup_scan *scan, struct bj_host_cgroup *cgroup)
{
    int error = keep_if_writable(cgroup->v1_memory, scan->directory[BJ_V1_MEMORY]);
    int pids_error = keep_if_writable(cgroup->v1_pids, scan->directory[BJ_V1_PIDS]);
    if (error == 0)
        error = pids_error;
    if (cgroup->v1_memory[0])
        cgroup->v1_swap = may_write(cgroup->v1_memory, "memory.memsw.limit_in_bytes");

    struct group group = {.directory = scan->directory[BJ_V2]};
    bool need_controllers = !cgroup->v1_memory[0] || !cgroup->v1_pids[0];
    choose_unified(scan, need_controllers, &group);
    if (group.error == 0) {
        memcpy(cgroup->unified, group.directory, BJ_CGROUP_PATH);
        cgroup->unified_memory = group.memory && !cgroup->v1_memory[0];
        cgroup->unified_pids = group.pids && !cgroup->v1_pids[0];
        cgroup->unified_cpu = group.cpu;
        cgroup->unified_kill = has_kill();
    } else if (locate(scan, &(enum bj_hierarchy){BJ_V1_CPUACCT}, 1) == 0) {
        (void)keep_if_writable(cgroup->v1_cpuacct, scan->directory[BJ_V1_CPUACCT]);
    }
    /* Where v1 has no such hierarchy at all, what v2 said is the reason. */
    if (scan->own[BJ_V1_MEMORY][0] == 0 && scan->own[BJ_V1_PIDS][0] == 0)
        error = group.error;
    cgroup->error = error;
    explain(scan, error, cgroup);
}

int bj__host_probe_cgroup(struct bj_host_cgroup *ret_cgroup)
{
    static const enum bj_hierarchy wanted[] = {BJ_V1_MEMORY, BJ_V1_PIDS, BJ_V2};
    struct bj_cgroup_scan scan;
    *ret_cgroup = (struct bj_host_cgroup){0};
    bj__cgroup_scan_init(&scan);
    int own = read_own(&scan);
    int r = own < 0 ? own : locate(&scan, wanted, BJ_COUNT(wanted));
    if (r < 0)
        (void)snprintf(ret_cgroup->problem, sizeof(ret_cgroup->problem),
                       "/proc cannot be read (%s); fix: mount -t proc proc /proc", strerror(-r));
    else
        bj__host_judge_cgroup(&scan, ret_cgroup);
    return own == 0;
}

int bj__host_own_group(char ret_directory[BJ_CGROUP_PATH], bool *ret_ours)
{
    static const enum bj_hierarchy wanted[] = {BJ_V2};
    struct bj_cgroup_scan scan;
    bj__cgroup_scan_init(&scan);
    int r = read_own(&scan);
    if (r == 0)
        r = locate(&scan, wanted, BJ_COUNT(wanted));
    if (r == 0 && scan.directory[BJ_V2][0] == 0)
        r = -ENOENT;
    if (r < 0)
        return r;
    memcpy(ret_directory, scan.directory[BJ_V2], BJ_CGROUP_PATH);
    *ret_ours = check_writable(ret_directory) == 0 && is_delegated(ret_directory);
    return 0;
}
