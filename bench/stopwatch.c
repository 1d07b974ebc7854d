/* stopwatch - starts commands and measures, in nanoseconds, from before the start to after the end of each.
 * Its own file because an interpreter's own jitter is larger than the differences that are looked for.
 * Changes when: another way of measuring is needed.
 *
 * usage: stopwatch latency ROUNDS SEED < COMMANDS      every round starts each command once, in a new random
 * order; prints "COMMAND NANOSECONDS STATUS" a line stopwatch throughput WORKERS MILLISECONDS COMMAND-NUMBER <
 * COMMANDS a closed loop of each worker; prints "RUNS NANOSECONDS FAILURES" COMMANDS: a line for each, its
 * words separated by tabs. A first word "@FILE" gives the command FILE as descriptor 9. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 32
#define MAX_WORDS    128
#define SIDE_FD      9

struct command {
    const char *side_file;
    char *words[MAX_WORDS];
};

struct tally {
    uint64_t runs, failures;
};

static char *const environment[] = {(char[]){"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
                                    (char[]){"LANG=C.UTF-8"}, (char[]){"HOME=/tmp"}, NULL};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t read_commands(struct command *commands)
{
    char *line = NULL;
    size_t size = 0, count = 0;

    while (count < MAX_COMMANDS && getline(&line, &size, stdin) > 0) {
        char *rest = strdup(line);
        size_t n = 0;
        rest[strcspn(rest, "\n")] = '\0';
        if (rest[0] == '@')
            commands[count].side_file = strsep(&rest, "\t") + 1;
        while (rest != NULL && n + 1 < MAX_WORDS)
            commands[count].words[n++] = strsep(&rest, "\t");
        commands[count].words[n] = NULL;
        count += n > 0;
    }
    free(line);
    return count;
}

/* The wait status, or -1 when it could not be started. */
static int run_once(const struct command *command)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int status = 0;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (command->side_file != NULL)
        posix_spawn_file_actions_addopen(&actions, SIDE_FD, command->side_file, O_RDONLY, 0);
    errno = posix_spawnp(&pid, command->words[0], &actions, NULL, command->words, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (errno != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)(next_random(state) % i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

static int measure_latency(const struct command *commands, size_t count, long rounds, uint64_t seed)
{
    size_t order[MAX_COMMANDS];

    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (long round = 0; round < rounds; round++) {
        shuffle(order, count, &seed);
        for (size_t i = 0; i < count; i++) {
            uint64_t began = now_ns();
            int status = run_once(&commands[order[i]]);
            printf("%zu %llu %d\n", order[i], (unsigned long long)(now_ns() - began), status);
        }
    }
    return 0;
}

static int measure_throughput(const struct command *command, long workers, long milliseconds)
{
    struct tally *tally =
        mmap(NULL, sizeof(*tally) * (size_t)workers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct tally sum = {0};

    if (tally == MAP_FAILED)
        return 1;
    uint64_t began = now_ns(), end = began + (uint64_t)milliseconds * 1000000u;
    for (long i = 0; i < workers; i++) {
        if (fork() != 0)
            continue;
        while (now_ns() < end) {
            tally[i].failures += run_once(command) != 0;
            tally[i].runs++;
        }
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    for (long i = 0; i < workers; i++) {
        sum.runs += tally[i].runs;
        sum.failures += tally[i].failures;
    }
    printf("%llu %llu %llu\n", (unsigned long long)sum.runs, (unsigned long long)(now_ns() - began),
           (unsigned long long)sum.failures);
    return 0;
}

int main(int argc, char **argv)
{
    static struct command commands[MAX_COMMANDS];
    size_t count = read_commands(commands);

    if (argc == 4 && strcmp(argv[1], "latency") == 0)
        return measure_latency(commands, count, strtol(argv[2], NULL, 10), strtoull(argv[3], NULL, 10) | 1);
    size_t chosen = argc == 5 ? strtoul(argv[4], NULL, 10) : count;
    if (argc == 5 && strcmp(argv[1], "throughput") == 0 && chosen < count)
        return measure_throughput(&commands[chosen], strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
    fprintf(stderr,
            "usage: stopwatch latency ROUNDS SEED | throughput WORKERS MILLISECONDS NUMBER   < COMMANDS\n");
    return 2;
}
