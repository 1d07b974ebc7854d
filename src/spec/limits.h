/* Hard maxima and minima of everything that a caller can ask for.
 * Its own file because a reviewer of sizes wants one table.
 * Changes when: a limit is added, or experience moves a maximum. */
#ifndef BJ_LIMITS_H
#define BJ_LIMITS_H

/* X(field of struct bj_limits, name in JSON, unit, minimum, maximum)
 * unit: SECONDS are fractions in JSON and microseconds in the struct; BYTES and COUNT are whole numbers.
 * A JSON name in seconds is the struct's field with _us replaced by _seconds. */
#define BJ_LIMIT_LIST(X)                                                                                       \
    X(wall_us, "wall_seconds", SECONDS, 1000ull, 86400000000ull)                                               \
    X(cpu_us, "cpu_seconds", SECONDS, 1000ull, 86400000000ull)                                                 \
    X(memory_bytes, "memory_bytes", BYTES, 65536ull, 1ull << 46)                                               \
    X(processes, "processes", COUNT, 1ull, 32768ull)                                                           \
    X(output_bytes, "output_bytes", BYTES, 0ull, BJ_MAX_OUTPUT)                                                \
    X(disk_bytes, "disk_bytes", BYTES, 4096ull, 1ull << 40)                                                    \
    X(files, "files", COUNT, 1ull, 1ull << 24)                                                                 \
    X(file_bytes, "file_bytes", BYTES, 0ull, 1ull << 40)                                                       \
    X(open_files, "open_files", COUNT, 4ull, 4096ull)                                                          \
    X(stack_bytes, "stack_bytes", BYTES, 65536ull, 1ull << 32)                                                 \
    X(address_space_bytes, "address_space_bytes", BYTES, 1048576ull, 1ull << 46)                               \
    X(lifetime_us, "lifetime_seconds", SECONDS, 1000ull, 2592000000000ull)                                     \
    X(idle_us, "idle_seconds", SECONDS, 1000ull, 2592000000000ull)                                             \
    X(branches, "branches", COUNT, 0ull, 256ull)                                                               \
    X(calls, "calls", COUNT, 0ull, 1ull << 30)                                                                 \
    X(call_us, "call_seconds", SECONDS, 1000ull, 86400000000ull)                                               \
    X(call_bytes, "call_bytes", BYTES, 64ull, BJ_MAX_CALL)                                                     \
    X(input_bytes, "input_bytes", BYTES, 1ull, BJ_MAX_INPUT)

/* Sizes of a spec's own parts. */
#define BJ_MAX_SPEC_JSON       (48u << 20) /* bytes of JSON text of a request */
#define BJ_MAX_JSON_DEPTH      32u         /* nesting in a spec (globals are opaque and capped on their own) */
#define BJ_MAX_ARGUMENTS       1024u       /* command + args */
#define BJ_MAX_ENVIRONMENT     256u        /* variables */
#define BJ_MAX_PYTHON_PATH     64u         /* directories */
#define BJ_MAX_STRING          131072u     /* one argument or variable: MAX_ARG_STRLEN of execve(2) */
#define BJ_MAX_OUTPUT          (32u << 20) /* bytes kept of stdout, and of stderr */
#define BJ_MAX_STDIN           (64u << 20) /* bytes handed in as "stdin" */
#define BJ_MAX_FILES_IN        4096u       /* files handed in */
#define BJ_MAX_FILES_IN_BYTES  (256u << 20)
#define BJ_MAX_INPUT           (1u << 30) /* bytes of all that is handed in together */
#define BJ_MAX_PATH_DEPTH      32u        /* components of a path inside the jail */
#define BJ_MAX_COLLECT         64u        /* patterns */
#define BJ_MAX_COLLECTED_FILES 256u       /* files handed out */
#define BJ_MAX_COLLECTED_BYTES (64u << 20)
#define BJ_MAX_MOUNTS          64u
#define BJ_MAX_LINKS           64u
#define BJ_MAX_CLOSED          64u
#define BJ_MAX_PROFILE_JSON    (1u << 20)
#define BJ_MAX_CALL            (32u << 20) /* bytes of the arguments of a call, and of its value */
#define BJ_MAX_CALLS           256u        /* functions that may be called */
#define BJ_MAX_CALL_NAME       64u
#define BJ_MAX_TRACE_STEPS     100000u
#define BJ_MIN_TRACE_BYTES     4096u /* a step or two */
#define BJ_MAX_SEED            4294967295u
#define BJ_TRACE_STEPS         1000u /* where nobody says how many: as Python Tutor's */

#endif
