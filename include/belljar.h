/* belljar.h - run a program that you do not trust, under glass, and be told exactly what happened.
 *
 *   spec  what is to be run, and the walls around it         (data; bj_spec_*)
 *   plan  the frozen list of operations that makes the jail  (data; bj_plan_*)
 *   run   one execution of a plan                            (processes and descriptors; bj_run_*)
 *   result what came of it                                   (data; bj_result_*)
 *
 * Rules that hold for every function here:
 *   - int functions return 0 (or a count) on success and a negative errno on failure; ret_ parameters are
 *     left untouched on failure, and *err (which may be NULL) says which field, what was wrong and the fix.
 *   - A guest's failure is never an error: a program that crashes, times out or is refused something gives a
 *     result. An error means that Belljar could not do its work, and that nothing was started.
 *   - The library does not log, exit, change the working directory, the umask, the environment, signal
 *     dispositions or limits of its caller. It may be used from a program with many busy threads; one object
 *     is used by one thread at a time.
 *   - *_free(NULL) does nothing.
 *
 * C11 and C++11 clean. Everything exported is named bj_*. Changes when: the public contract changes. */
#ifndef BELLJAR_H
#define BELLJAR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BJ_API __attribute__((visibility("default")))

#define BJ_VERSION_MAJOR 0
#define BJ_VERSION_MINOR 1
#define BJ_VERSION       "0.1.0"

/* ---- errors --------------------------------------------------------------------------------------- */

/* name, what it means in one line. The closed set of error codes. */
#define BJ_ERROR_LIST(X)                                                                                       \
    X(INVALID, "a value is not acceptable")                                                                    \
    X(NOT_FOUND, "a named thing does not exist")                                                               \
    X(UNAVAILABLE, "a required layer cannot be had on this host")                                              \
    X(SETUP, "an operation that makes the jail failed")                                                        \
    X(SYSTEM, "a system call that should work failed")                                                         \
    X(STATE, "called in the wrong order")                                                                      \
    X(WIDENS, "a request asks for more than its profile gives")

enum bj_error_code {
    BJ_ERROR_NONE = 0,
#define X(name, text) BJ_ERROR_##name,
    BJ_ERROR_LIST(X)
#undef X
        BJ_ERROR__COUNT
};

/* Where an error came from. Caller-owned, fixed size, holds no pointer. */
struct bj_error {
    int32_t code;      /* enum bj_error_code */
    int32_t err;       /* positive errno of the failing call, or 0 */
    uint32_t op;       /* operation code of the plan (see bj_op_name), or 0 */
    uint32_t index;    /* position of that operation in the plan */
    char field[64];    /* "limits.memory_bytes", "files[2].path", "" */
    char message[432]; /* what was wrong, the value, and the fix; one line, no newline */
};

/* "invalid", "not_found", ... ; "none" for 0 or an unknown code. */
BJ_API const char *bj_error_name(int32_t code);

/* The library's version, "0.1.0". */
BJ_API const char *bj_version(void);

/* Where belljar-guest and belljar-repl stand, for a program that brings them along: an absolute directory, in which they are
 * looked for first. For the whole process; before anything is planned. */
BJ_API int bj_use_programs(const char *directory, struct bj_error *err);

/* ---- spec ----------------------------------------------------------------------------------------- */

struct bj_spec;

/* Where profiles are looked for, in order: $BELLJAR_PROFILE_PATH (colon separated; ignored when the process
 * runs with privileges that its caller lacks), /etc/belljar/profiles, the profiles built into the library, and
 * last PREFIX/share/belljar/profiles. The copies of the built-in ones there are for reading: a shipped profile
 * is changed by a file of the same name in /etc/belljar/profiles. */

/* The complete spec that a profile describes. name: "default", "python", ... or a path that contains a '/'. */
BJ_API int bj_spec_from_profile(const char *name, struct bj_spec **ret_spec, struct bj_error *err);

/* A request (JSON, version 1, see belljar-spec(5)) narrowed by the profile that it names. A request that asks
 * for more than the profile gives is refused with BJ_ERROR_WIDENS. */
BJ_API int bj_spec_from_json(const char *json, size_t length, struct bj_spec **ret_spec, struct bj_error *err);
BJ_API void bj_spec_free(struct bj_spec *spec);

/* Every profile that bj_spec_from_profile finds by name: name, where from, description; a file that is not a
 * good profile is listed with what is wrong. As JSON or as text; free() it. NULL when out of memory. */
BJ_API char *bj_profiles(int as_json);

/* The caller of these is the operator: they set, and are not held to the profile, only to the hard maxima. */
BJ_API int bj_spec_set_command(struct bj_spec *spec, const char *const *argv, struct bj_error *err);
/* Python instead of a command: a script, or an expression whose value is told. UTF-8. */
BJ_API int bj_spec_set_code(struct bj_spec *spec, const char *source, struct bj_error *err);
BJ_API int bj_spec_set_expression(struct bj_spec *spec, const char *source, struct bj_error *err);
/* Arguments of the script or of the expression (sys.argv, behind its name), or of the command that is set already. */
BJ_API int bj_spec_set_args(struct bj_spec *spec, const char *const *args, struct bj_error *err);
/* A directory of the jail that modules are imported from, after /box and those before it: absolute, or relative to /box. */
BJ_API int bj_spec_add_python_path(struct bj_spec *spec, const char *directory, struct bj_error *err);
/* Absolute path of a virtual environment (venv) made by the host's Python: snippets
 * have its packages, and the jail shows it read-only as /opt/venv. */
BJ_API int bj_spec_set_python(struct bj_spec *spec, const char *path, struct bj_error *err);
/* Variables of the script or of the expression: a JSON object, in which NaN, Infinity and -Infinity are numbers, as Python writes
 * them. Those that are there already stay unless it names them. */
BJ_API int bj_spec_add_globals(struct bj_spec *spec, const char *json, struct bj_error *err);
/* The same, and the snippet cannot change them, nor what is in them: an append or an assignment is an error of the snippet's. */
BJ_API int bj_spec_add_views(struct bj_spec *spec, const char *json, struct bj_error *err);
/* Functions of the caller's which the code may call, by name, and which are answered while it runs (bj_run_on_call). NULL ends the
 * list; one without a name says that there may be some, which a pool's spec has to; NULL for the list: none. */
BJ_API int bj_spec_set_calls(struct bj_spec *spec, const char *const *names, struct bj_error *err);
/* Rules for Python code (belljar-spec(5), policy): a JSON object. Lists of several are put together. */
BJ_API int bj_spec_add_policy(struct bj_spec *spec, const char *json, struct bj_error *err);
/* Asks for the record of a script, step by step: at most max_steps, 0 for none; in at most max_bytes, 0 for as many as the
 * result has room for (output_bytes). */
BJ_API int bj_spec_set_trace(struct bj_spec *spec, uint64_t max_steps, uint64_t max_bytes,
                             struct bj_error *err);
/* on, not 0: values of a script's expression statements are written to its stdout, None left out, as the interactive
 * interpreter does. -EINVAL where there is a command or an expression. */
BJ_API int bj_spec_set_display(struct bj_spec *spec, int on, struct bj_error *err);
/* Makes a run of code or an expression repeat exactly: seed, 0 to 4294967295, of chance and of the hashes of texts; start,
 * "YYYY-MM-DDTHH:MM:SSZ" from 1970 to 2199, what the clock says at its beginning; NULL: 2020-01-01T00:00:00Z. */
BJ_API int bj_spec_set_deterministic(struct bj_spec *spec, uint64_t seed, const char *start,
                                     struct bj_error *err);
BJ_API int bj_spec_set_env(struct bj_spec *spec, const char *name, const char *value, struct bj_error *err);
BJ_API int bj_spec_set_stdin(struct bj_spec *spec, const void *bytes, size_t length, struct bj_error *err);
BJ_API int bj_spec_set_directory(struct bj_spec *spec, const char *path, struct bj_error *err);
BJ_API int bj_spec_set_hostname(struct bj_spec *spec, const char *name, struct bj_error *err);
BJ_API int bj_spec_set_network(struct bj_spec *spec, const char *mode, struct bj_error *err);
/* field: a name of the spec's "limits" object, in its unit, seconds as microseconds: "wall_us", "cpu_us",
 * "memory_bytes", "processes", "output_bytes", "disk_bytes", "files", "file_bytes", "open_files",
 * "stack_bytes", "address_space_bytes", "calls", "call_us", "call_bytes", "input_bytes"; of a session also "lifetime_us", "idle_us", "branches". */
BJ_API int bj_spec_set_limit(struct bj_spec *spec, const char *field, uint64_t value, struct bj_error *err);
/* mode: "require", "prefer" or "off". */
BJ_API int bj_spec_set_layer(struct bj_spec *spec, const char *layer, const char *mode, struct bj_error *err);
BJ_API int bj_spec_set_syscalls(struct bj_spec *spec, const char *const *sets, struct bj_error *err);
/* Python modules that a pool imports before it makes its jails; NULL ends the list. */
BJ_API int bj_spec_set_preload(struct bj_spec *spec, const char *const *modules, struct bj_error *err);
/* action: "truncate" (drop what is over the limit and go on) or "kill". */
BJ_API int bj_spec_set_output_action(struct bj_spec *spec, const char *action, struct bj_error *err);
BJ_API int bj_spec_add_file_bytes(struct bj_spec *spec, const char *path, const void *bytes, size_t length,
                                  int executable, struct bj_error *err);
/* source is a host file or directory; it is read when the plan is made, and no link in it is followed. */
BJ_API int bj_spec_add_file_source(struct bj_spec *spec, const char *path, const char *source,
                                   struct bj_error *err);
/* mode: "ro" or "rw", and behind it any of ",executable" (programs in it may be run) and ",optional" (no error
 * when the source does not exist). */
BJ_API int bj_spec_add_mount(struct bj_spec *spec, const char *source, const char *target, const char *mode,
                             struct bj_error *err);
BJ_API int bj_spec_add_collect(struct bj_spec *spec, const char *pattern, struct bj_error *err);
/* The whole spec as JSON, but for bj_spec_set_calls, which only a program can say; free() it. NULL when out of memory, or when a
 * variable holds a number that JSON lacks. */
BJ_API char *bj_spec_json(const struct bj_spec *spec);

/* ---- plan ----------------------------------------------------------------------------------------- */

struct bj_plan;

/* Turns a spec into the operations that make its jail on this host. Reads source files. Starts nothing. A
 * required layer that this host cannot give is BJ_ERROR_UNAVAILABLE. The spec is not needed afterwards. */
BJ_API int bj_plan_new(const struct bj_spec *spec, struct bj_plan **ret_plan, struct bj_error *err);
BJ_API void bj_plan_free(struct bj_plan *plan);
/* The plan as text, one operation a line, or as JSON; free() it. NULL when out of memory. */
BJ_API char *bj_plan_text(const struct bj_plan *plan);
BJ_API char *bj_plan_json(const struct bj_plan *plan);
/* Ask for microseconds per operation in the result ("timing.operations"). */
BJ_API void bj_plan_set_timing(struct bj_plan *plan, int on);
/* "open_tree", "mount_tmpfs", ...; "" for an unknown code. */
BJ_API const char *bj_op_name(uint32_t op);

/* ---- run ------------------------------------------------------------------------------------------ */

struct bj_run;
struct bj_result;

enum bj_stream { BJ_STDOUT = 1, BJ_STDERR = 2 };

/* Called with each piece of output that is within the limit, as it arrives. */
typedef void (*bj_output_fn)(void *user, enum bj_stream stream, const void *bytes, size_t length);

/* Makes the jail and starts the program in it. A plan may be started any number of times. */
BJ_API int bj_run_start(const struct bj_plan *plan, struct bj_run **ret_run, struct bj_error *err);
/* As bj_run_start, with the program's stdin read from a descriptor of the caller's while it runs: it is read
 * and copied, never handed to the program, and not closed. */
BJ_API int bj_run_start_stdin(const struct bj_plan *plan, int stdin_fd, struct bj_run **ret_run,
                              struct bj_error *err);
BJ_API void bj_run_on_output(struct bj_run *run, bj_output_fn fn, void *user);
/* Called, in bj_run_step, with each call of a function that bj_spec_set_calls has named: arguments is a JSON array, keywords a JSON
 * object, both as Python writes them, and the guest's own word; they are there until it returns. The guest waits until one of the two
 * functions below has answered, in there or later, and has one call under way at a time; its wall clock goes on. */
typedef void (*bj_call_fn)(void *user, uint32_t call, const char *name, const char *arguments,
                           const char *keywords);
/* Right after the run was started. Without it every call fails. */
BJ_API void bj_run_on_call(struct bj_run *run, bj_call_fn fn, void *user);
/* value: JSON, nested 64 times at most. BJ_ERROR_STATE: nobody waits for it (any more). After any other error the call still waits. */
BJ_API int bj_run_answer(struct bj_run *run, uint32_t call, const char *value, struct bj_error *err);
/* The call raises an exception in the guest, which has these two texts, and nothing else of the caller's. */
BJ_API int bj_run_answer_error(struct bj_run *run, uint32_t call, const char *type, const char *message,
                               struct bj_error *err);
/* A descriptor that becomes readable when bj_run_step has something to do. Owned by the run. */
BJ_API int bj_run_fd(const struct bj_run *run);
/* Does what there is to do; waits at most timeout_ms (-1: until something happens). 1: the run is over. */
BJ_API int bj_run_step(struct bj_run *run, int timeout_ms, struct bj_error *err);
/* Ends the run; its status becomes "cancelled". Idempotent. Of one that is over: ends what is left of a process that stands in its last
 * call, so that bj_run_free has less to wait for. */
BJ_API void bj_run_kill(struct bj_run *run);
/* Sends SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT or SIGWINCH to the program; it may handle
 * it. A program that has not come so far as to handle it ends by it, as ever. */
BJ_API int bj_run_signal(struct bj_run *run, int signal, struct bj_error *err);
/* on, not 0: while the program waits for input its time on the clock stands still, and it is given what comes from stdin_fd only
 * then. It waits when its main thread is in read(2) of the stdin that the run has given it, and that is empty: this is looked up
 * in /proc/PID/syscall, 20 times a second. The CPU limit and the session's life time stay. 1: so it is. 0: off, or this host does
 * not tell, and the clock goes on. Only of a session's run, right after it was started. */
BJ_API int bj_run_pause_for_input(struct bj_run *run, int on, struct bj_error *err);
/* Process id of the jail's first process, as the caller's pid namespace numbers it. */
BJ_API int bj_run_pid(const struct bj_run *run);
/* The result of a run that is over; the caller owns it. -EAGAIN while it still runs. */
BJ_API int bj_run_result(struct bj_run *run, struct bj_result **ret_result, struct bj_error *err);
/* Kills what still runs, waits for it, removes everything that the run made on the host. */
BJ_API void bj_run_free(struct bj_run *run);
/* start, step until over, result, free. */
BJ_API int bj_run_plan(const struct bj_plan *plan, struct bj_result **ret_result, struct bj_error *err);

/* ---- parked jails --------------------------------------------------------------------------------- */

/* Jails with a warm Python in them, made ahead of time for a program that runs many snippets: a run then begins with its
 * code. Each jail is used for one run only. What they share with each other, and with no other pool, is the memory of one
 * interpreter that has never seen a snippet: its hash seed and its addresses (SECURITY.md). */
struct bj_pool;
#define BJ_POOL_MAX 256u

/* spec: all that its runs share; without command, code and expression, and without files. jails: how many are kept ready, 1
 * to BJ_POOL_MAX. Returns when the first can be used. Free it after its runs. */
BJ_API int bj_pool_new(const struct bj_spec *spec, unsigned jails, struct bj_pool **ret_pool,
                       struct bj_error *err);
BJ_API void bj_pool_free(struct bj_pool *pool);
/* A copy of the pool's spec, to be given code or an expression, globals and files, patterns to collect, and lower limits of wall_us,
 * cpu_us, input_bytes, output_bytes and memory_bytes. The caller frees it. */
BJ_API int bj_pool_spec(const struct bj_pool *pool, struct bj_spec **ret_spec, struct bj_error *err);
/* Starts a snippet in a parked jail; makes one first if there is none. The run is stepped and freed like any other. */
BJ_API int bj_pool_start(struct bj_pool *pool, const struct bj_spec *spec, struct bj_run **ret_run,
                         struct bj_error *err);
/* The same, with stdin read from a descriptor of the caller's, as by bj_run_start_stdin. */
BJ_API int bj_pool_start_stdin(struct bj_pool *pool, const struct bj_spec *spec, int stdin_fd,
                               struct bj_run **ret_run, struct bj_error *err);
/* Asks for jails in the place of those that were used. They are made while the caller goes on. */
BJ_API int bj_pool_fill(struct bj_pool *pool, struct bj_error *err);
/* For at most one, so that nobody waits for more. 1: more are lacking, 0: none is. */
BJ_API int bj_pool_fill_one(struct bj_pool *pool, struct bj_error *err);
/* How many are ready, or being made. */
BJ_API unsigned bj_pool_parked(const struct bj_pool *pool);

/* ---- sessions ------------------------------------------------------------------------------------- */

/* State that is kept between the snippets of one guest: variables, imports, files. A session is a jail with several processes
 * of the interpreter in it, its branches, each a fork(2) of another. Between snippets all of them stand still. They are one
 * guest: they share its id, its directory, its limits on memory, processes and disk, and could end each other. A limit or a
 * crash ends the branch that it meets, and no other. */
struct bj_session;

/* spec: as for a pool; limits.lifetime_seconds, idle_seconds and branches are of the session, wall and CPU time of each
 * snippet. Branch 1 is there when it returns, and branch 0: the state before any snippet, which is always a snapshot. Free it
 * after its runs. */
BJ_API int bj_session_new(const struct bj_spec *spec, struct bj_session **ret_session, struct bj_error *err);
/* Kills what still runs in it, and removes everything. */
BJ_API void bj_session_free(struct bj_session *session);
/* A descriptor that becomes readable when the session is over. Owned by the session. Every other function then gives
 * BJ_ERROR_STATE; in err it is ETIME when its idle or its life time has ended, ESRCH when the guest has ended it. */
BJ_API int bj_session_fd(const struct bj_session *session);
/* A copy of its spec, to be given code or an expression, globals and files, and lower limits of wall_us, cpu_us and output_bytes. The
 * caller frees it. */
BJ_API int bj_session_spec(const struct bj_session *session, struct bj_spec **ret_spec, struct bj_error *err);
/* Starts a snippet in a branch, one at a time; branches run beside each other. The run is stepped and freed like any other; one
 * that is freed before it is over, or killed, takes its branch along. Globals are told where the snippet has bound them anew, and
 * only if all of these fit into output_bytes: they are kept in any case. */
BJ_API int bj_session_start(struct bj_session *session, unsigned branch, const struct bj_spec *spec,
                            struct bj_run **ret_run, struct bj_error *err);
/* The same, with stdin read from a descriptor of the caller's, as by bj_run_start_stdin. */
BJ_API int bj_session_start_stdin(struct bj_session *session, unsigned branch, const struct bj_spec *spec,
                                  int stdin_fd, struct bj_run **ret_run, struct bj_error *err);
/* Copies what a branch is now, variables and all, but not its threads, nor files: into a branch that goes its own way; into a
 * snapshot, which stays as it is. Their numbers are 1 to limits.branches + 1. */
BJ_API int bj_session_fork(struct bj_session *session, unsigned from, unsigned *ret_branch,
                           struct bj_error *err);
BJ_API int bj_session_snapshot(struct bj_session *session, unsigned branch, unsigned *ret_snapshot,
                               struct bj_error *err);
/* The branch becomes what the snapshot (or another branch) is; it may have ended before. */
BJ_API int bj_session_restore(struct bj_session *session, unsigned branch, unsigned snapshot,
                              struct bj_error *err);
/* Ends a branch or a snapshot. */
BJ_API int bj_session_drop(struct bj_session *session, unsigned branch, struct bj_error *err);

/* ---- result --------------------------------------------------------------------------------------- */

/* name in JSON. The order of the enum is not the order of precedence (supervise/verdict.c). */
#define BJ_STATUS_LIST(X)                                                                                      \
    X(OK, "ok")                                                                                                \
    X(EXIT, "exit")                                                                                            \
    X(EXCEPTION, "exception")                                                                                  \
    X(SIGNAL, "signal")                                                                                        \
    X(TIME_LIMIT, "time_limit")                                                                                \
    X(MEMORY_LIMIT, "memory_limit")                                                                            \
    X(PROCESS_LIMIT, "process_limit")                                                                          \
    X(OUTPUT_LIMIT, "output_limit")                                                                            \
    X(DISK_LIMIT, "disk_limit")                                                                                \
    X(DENIED, "denied")                                                                                        \
    X(CANCELLED, "cancelled")                                                                                  \
    X(JAIL_ERROR, "jail_error")

enum bj_status {
#define X(name, text) BJ_STATUS_##name,
    BJ_STATUS_LIST(X)
#undef X
        BJ_STATUS__COUNT
};

BJ_API void bj_result_free(struct bj_result *result);
BJ_API enum bj_status bj_result_status(const struct bj_result *result);
BJ_API const char *bj_status_name(enum bj_status status);
/* "wall", "cpu", "bytes", ... : which limit, or NULL. */
BJ_API const char *bj_result_limit(const struct bj_result *result);
/* The program's own exit code, or -1 when it did not exit by itself. */
BJ_API int bj_result_exit_code(const struct bj_result *result);
/* The signal's number that ended the program, or 0. */
BJ_API int bj_result_signal(const struct bj_result *result);
/* What the exit status of a command that stands for the run should be: the program's own, 128+N on a signal,
 * 124 time, 125 jail_error, 126/127 cannot execute / not found, 137 memory. */
BJ_API int bj_result_exit_status(const struct bj_result *result);
/* Captured output, within the limit. Not terminated. */
BJ_API const void *bj_result_output(const struct bj_result *result, enum bj_stream stream, size_t *ret_length);
/* What Python told, as JSON, or NULL: the value of an expression; the variables of a script that JSON can hold (an object); the
 * exception that ended it (an object of three strings: type, message, traceback); its record, where one was asked for (an
 * object; belljar-result(5)). All of it is the guest's own word. JSON as Python writes it: NaN, Infinity and -Infinity are
 * numbers. */
BJ_API const char *bj_result_value(const struct bj_result *result);
BJ_API const char *bj_result_globals(const struct bj_result *result);
BJ_API const char *bj_result_exception(const struct bj_result *result);
BJ_API const char *bj_result_trace(const struct bj_result *result);
/* Collected files: count, and the n-th one's path and bytes (NULL when refused, with *ret_why). */
BJ_API size_t bj_result_file_count(const struct bj_result *result);
BJ_API const void *bj_result_file(const struct bj_result *result, size_t n, const char **ret_path,
                                  size_t *ret_length, const char **ret_why);
/* The whole result as JSON (DESIGN section 6; schema/result.schema.json); free() it. */
BJ_API char *bj_result_json(const struct bj_result *result);

/* ---- questions ------------------------------------------------------------------------------------ */

/* Each layer on this host: on, or why not and what would fix it, as JSON or as text; free() it.
 * *ret_missing (may be NULL) counts the layers that the profile requires and the host lacks. */
BJ_API char *bj_doctor(const struct bj_spec *spec, int as_json, int *ret_missing);
/* Would this be allowed under the spec, and which layer says so? question: "syscall NAME[(ARG,...)]" or
 * "path PATH". Text; free() it. Returns NULL and fills err for a question that makes no sense. */
BJ_API char *bj_explain(const struct bj_spec *spec, const char *question, struct bj_error *err);

#ifdef __cplusplus
}
#endif
#endif
