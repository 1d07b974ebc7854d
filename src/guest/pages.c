/* The pages that a run of a snippet needs: in the page table of a fork before they are needed.
 * Its own file because it is one trick, from the question to the answer.
 * Changes when: pages can be had in another way.
 *
 * After a fork each page is copied when it is first written to, and each piece of a file is mapped when it is first read: a
 * run of nothing at all takes two hundred faults. So the zygote has a scout, a fork that rehearses a run to its end, looks
 * which pages are its own by then, tells, and is gone; every later fork touches those pages while it is made and nobody
 * waits for it. Whatever the scout did not meet comes with a fault, as ever. */
#include "guest.h"
#include "memory.h"

#include "jail/child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGES       512 /* what is beyond goes without */
#define WINDOW_PAGES 16  /* of a file, that the kernel maps around a fault (mm/memory.c, fault_around_bytes) */
#define LARGE_BYTES  ((size_t)256 << 10) /* memory that is worth being moved */

/* Pages are touched wherever something begins or ends in them: the red zones of AddressSanitizer are among them. */
#define ANYWHERE __attribute__((no_sanitize("address")))

struct range {
    char *start;
    size_t length;
    bool written; /* else read */
};

static struct {
    size_t count;
    struct range ranges[RANGES];
} learned;

/* ---- the scout ----------------------------------------------------------------------------------------- */

static void add(char *start, bool written)
{
    struct range *last = learned.count > 0 ? &learned.ranges[learned.count - 1] : NULL;
    if (last && last->written == written && last->start + last->length == start)
        last->length += guest_page_bytes;
    else if (learned.count < RANGES)
        learned.ranges[learned.count++] = (struct range){start, guest_page_bytes, written};
}

static ANYWHERE void write_back(char *place)
{
    volatile char *byte = place;
    char same = *byte;
    *byte = same;
}

/* A page that is written to without a fault has been written to before. */
static ANYWHERE void look_at_memory(const struct region *region)
{
    for (char *page = region->start; page < region->start + region->length; page += guest_page_bytes) {
        long before = guest_faults();
        write_back(page);
        if (guest_faults() == before)
            add(page, true);
    }
}

static size_t window_bytes(void)
{
    return WINDOW_PAGES * guest_page_bytes;
}

static ANYWHERE void look_at_file(const struct region *region)
{
    const char *end = region->start + region->length;
    for (char *page = region->start; page < end; page += window_bytes() - (uintptr_t)page % window_bytes()) {
        const volatile char *byte = page;
        long before = guest_faults();
        (void)*byte;
        if (guest_faults() == before)
            add(page, false);
    }
}

static _Noreturn void be_scout(int fd, int (*rehearse)(void))
{
    if (rehearse() < 0)
        _exit(1);
    for (size_t i = 0; i < guest_region_count; i++)
        if (guest_regions[i].writable)
            look_at_memory(&guest_regions[i]);
        else
            look_at_file(&guest_regions[i]);
    _exit(write(fd, &learned, sizeof(learned)) == (ssize_t)sizeof(learned) ? 0 : 1);
}

/* ---- the zygote ---------------------------------------------------------------------------------------- */

static bool hear(int fd)
{
    size_t have = 0;
    ssize_t n = 1;
    while (n > 0 && have < sizeof(learned)) {
        n = read(fd, (char *)&learned + have, sizeof(learned) - have);
        have += n > 0 ? (size_t)n : 0;
    }
    return have == sizeof(learned);
}

static int send_scout(const int pipe_fds[2], int (*rehearse)(void))
{
    int status = 0;
    PyOS_BeforeFork();
    pid_t pid = fork();
    int error = errno;
    if (pid == 0)
        be_scout(pipe_fds[1], rehearse);
    PyOS_AfterFork_Parent();
    (void)close(pipe_fds[1]);
    bool heard = hear(pipe_fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    errno = error;
    if (pid < 0)
        PyErr_SetFromErrno(PyExc_OSError);
    else if (!heard || status != 0)
        PyErr_SetString(PyExc_RuntimeError, "a fork of the zygote did not end its rehearsal");
    return PyErr_Occurred() ? -1 : 0;
}

/* Does a run write to it? */
static bool is_written(const struct region *region)
{
    for (size_t i = 0; i < learned.count; i++)
        if (learned.ranges[i].written && learned.ranges[i].start >= region->start &&
            learned.ranges[i].start < region->start + region->length)
            return true;
    return false;
}

int guest_learn_pages(int (*rehearse)(void))
{
    int fds[2];
    guest_find_regions();
    if (pipe2(fds, O_CLOEXEC) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    int r = send_scout(fds, rehearse);
    (void)close(fds[0]);
    for (size_t i = 0; r == 0 && i < guest_region_count; i++)
        if (guest_regions[i].length >= LARGE_BYTES && !guest_regions[i].stays && is_written(&guest_regions[i]))
            guest_regroup(&guest_regions[i]);
    return r;
}

/* ---- a fork: no C library, no Python ------------------------------------------------------------------- */

/* By hand: asked for in one call each (madvise(2), MADV_POPULATE_WRITE) it takes longer, most of them lie alone. */
ANYWHERE void guest_take_pages(struct bj_child *child)
{
    (void)child;
    for (size_t i = 0; i < learned.count; i++) {
        const struct range *range = &learned.ranges[i];
        for (char *page = range->start; page < range->start + range->length; page += guest_page_bytes)
            if (range->written)
                write_back(page);
            else
                (void)*(const volatile char *)page;
    }
}
