/* Memory of the whole tree, while it runs.
 * Its own file because without a control group the kernel limits each process alone, and it must be added up.
 * Changes when: another source of the number appears. */
#include "supervise/run.h"
#include "supervise/tree.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXACT_LOOKS 3

/* proc(5), statm: the second number is resident pages, shared ones included. Needs no right. */
static uint64_t resident_bytes(pid_t pid)
{
    char path[64];
    char text[256];
    unsigned long long pages;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    if (bj__proc_read(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
        sscanf(text, "%*u %llu", &pages) != 1) /* NOLINT(cert-err34-c): a number or nothing */
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t kilobytes_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* smaps_rollup (Linux 4.14; its parts 5.4): a page that n processes share counts as an n-th for each. Pages of
 * files are the host's page cache and are nobody's. resident: what is told when it cannot be read. */
static uint64_t proportional_bytes(pid_t pid, uint64_t resident)
{
    char path[64];
    char text[2048];
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    if (bj__proc_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return resident;
    if (!strstr(text, "Pss_Anon:"))
        return kilobytes_of(text, "\nPss:") * 1024u;
    return (kilobytes_of(text, "Pss_Anon:") + kilobytes_of(text, "Pss_Shmem:")) * 1024u;
}

/* A child of vfork(2) has its parent's memory until it execs: kcmp(2) knows. */
static bool has_its_parents_memory(const struct bj_tree *tree, size_t i)
{
    return tree->parents[i] > 0 && syscall(SYS_kcmp, tree->parents[i], tree->pids[i], KCMP_VM, 0, 0) == 0;
}

/* exactly: else what is shared counts for each of its users, at a tenth of the cost. */
static uint64_t look(pid_t first, bool exactly)
{
    struct bj_tree *tree = bj__tree_walk(first);
    uint64_t sum = 0;
    for (size_t i = 0; tree && i < tree->count; i++) {
        uint64_t resident = resident_bytes(tree->pids[i]);
        if (!exactly)
            sum += resident;
        else if (!has_its_parents_memory(tree, i))
            sum += proportional_bytes(tree->pids[i], resident);
    }
    free(tree);
    return sum;
}

/* While processes come and go, one look may count the same page twice, before and after a fork: what is said to
 * be too much must be so in each of several looks. */
uint64_t bj__run_memory_bytes(struct bj_run *run, uint64_t limit_bytes)
{
    uint64_t least = look(run->jail->pid, false);
    for (int i = 0; i < EXACT_LOOKS && least > limit_bytes; i++) {
        uint64_t exact = look(run->jail->pid, true);
        least = exact < least ? exact : least;
    }
    if (least > run->memory_seen_bytes)
        run->memory_seen_bytes = least;
    return least;
}
