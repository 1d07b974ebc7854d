/* From the texts of /proc/self/cgroup and /proc/self/mountinfo to the directory of the caller's own group.
 * Its own file because it is pure, and so can be fed with the texts of any host there is.
 * Changes when: proc(5) or cgroups(7) change one of the two formats. */
#ifndef BJ_CGROUP_SCAN_H
#define BJ_CGROUP_SCAN_H

#include "host/host.h"

enum bj_hierarchy { BJ_V1_MEMORY, BJ_V1_PIDS, BJ_V1_CPUACCT, BJ_V2, BJ_HIERARCHY__COUNT };

#define BJ_CGROUP_PATH 256 /* as in struct bj_host_cgroup */

struct bj_cgroup_scan {
    /* The caller's group in each hierarchy as /proc/self/cgroup has it ("" when it is in none), then the
     * directory of that group ("" when it is not mounted where this process can see it). */
    char own[BJ_HIERARCHY__COUNT][BJ_CGROUP_PATH];
    char directory[BJ_HIERARCHY__COUNT][BJ_CGROUP_PATH];
    size_t mount_length[BJ_HIERARCHY__COUNT]; /* how much of directory is the mount point */
    bool too_long;                            /* a path was dropped because it does not fit */

    size_t used; /* of line: the piece of a line that has come so far */
    bool skip;   /* this line is longer than any of use to us: ignored up to its newline */
    char line[4096];
};

void bj__cgroup_scan_init(struct bj_cgroup_scan *scan);
/* Pieces of the text in any sizes, in order; length 0 ends the text. First all of /proc/self/cgroup ... */
void bj__cgroup_scan_own(struct bj_cgroup_scan *scan, const char *piece, size_t length);
/* ... then /proc/self/mountinfo. True when every hierarchy has been found: the rest need not be read. */
bool bj__cgroup_scan_mounts(struct bj_cgroup_scan *scan, const char *piece, size_t length);
/* ... or one mount of control groups that was found otherwise; v1_options is NULL for v2. A hierarchy that has
 * been found stays as it is. */
void bj__cgroup_scan_mount(struct bj_cgroup_scan *scan, const char *v1_options, const char *root,
                           const char *point);

/* host_cgroup.c: which of the scan's directories may be used, by looking at them. Fills a zeroed *cgroup; the
 * scan's v2 directory may become its parent. */
void bj__host_judge_cgroup(struct bj_cgroup_scan *scan, struct bj_host_cgroup *cgroup);

#endif
