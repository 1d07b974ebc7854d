/* What is run in a soak: every way in which a run can end, in a fixed mix.
 * Its own file because it is a table that both kinds of worker and the report read.
 * Changes when: a run can end in another way, or another share of runs is closer to real use. */
#ifndef BJ_SOAK_KINDS_H
#define BJ_SOAK_KINDS_H

#include <stddef.h>
#include <stdint.h>

struct soak_limit {
    const char *field; /* as bj_spec_set_limit names it */
    uint64_t value;
};

struct soak_kind {
    char letter;
    int share; /* of a hundred runs */
    const char *name;
    const char *status;
    const char *instead; /* the status where the host lacks what the first one needs */
    const char *profile; /* NULL: default */
    const char *command[6];
    struct soak_limit limits[3];
    const char *output;  /* must be the start of stdout */
    const char *collect; /* one file, which must come */
};

#define MIB (UINT64_C(1) << 20)

/* Every share is 2 or more, so that what is lost in every run of any kind is lost 2,000 times in 100,000 runs.
 * Without a control group memory and processes are limited by rlimits, which the program sees as an error; a
 * kernel without 32-bit calls answers int 0x80 with SIGSEGV before any filter is asked. */
/* clang-format off */
static const struct soak_kind soak_kinds[] = {
    {.letter = 'f', .share = 36, .name = "fast", .status = "ok", .command = {"true"}},
    {.letter = 'e', .share = 12, .name = "failing", .status = "exit", .command = {"/soak/load", "exit", "3"}},
    {.letter = 'g', .share = 6, .name = "crashing", .status = "signal", .command = {"/soak/load", "signal", "11"}},
    {.letter = 'w', .share = 6, .name = "too slow", .status = "time_limit", .command = {"/soak/load", "deaf"},
     .limits = {{"wall_us", 50000}}},
    {.letter = 'c', .share = 3, .name = "too busy", .status = "time_limit", .command = {"/soak/load", "burn"},
     .limits = {{"cpu_us", 20000}}},
    {.letter = 'm', .share = 6, .name = "memory bomb", .status = "memory_limit", .instead = "exit",
     .command = {"/soak/load", "allocate", "1073741824"}, .limits = {{"memory_bytes", 16 * MIB}}},
    {.letter = 'p', .share = 6, .name = "fork bomb", .status = "process_limit", .instead = "exit",
     .command = {"/soak/load", "forks", "40", "3"}, .limits = {{"processes", 6}}, .output = "made="},
    {.letter = 'o', .share = 6, .name = "output flood", .status = "output_limit",
     .command = {"/soak/load", "output", "stdout", "1073741824"}, .limits = {{"output_bytes", 65536}},
     .output = "abcdef"},
    {.letter = 'd', .share = 5, .name = "disk full", .status = "disk_limit",
     .command = {"/soak/load", "fill", "big", "8388608"}, .limits = {{"disk_bytes", MIB}}, .output = "fill=ENOSPC"},
    {.letter = 'n', .share = 5, .name = "refused call", .status = "ok", .command = {"/soak/look", "socket", "2"},
     .output = "socket=EACCES"},
    {.letter = 'k', .share = 2, .name = "foreign call", .status = "denied", .instead = "signal",
     .command = {"/soak/look", "int80"}},
    {.letter = 'y', .share = 3, .name = "python", .status = "ok", .profile = "python",
     .command = {"python3", "-c", "print(6 * 7)"}, .output = "42\n"},
    {.letter = 'i', .share = 4, .name = "files out", .status = "ok", .command = {"/soak/load", "leave", "10"},
     .output = "symlink=", .collect = "plain.txt"},
};
/* clang-format on */

#endif
