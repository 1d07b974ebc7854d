/* The spec: the complete description of one run, as data.
 * Its own file because every layer to the right reads this struct and none but spec/ writes it.
 * Changes when: something new can be asked of a run. */
#ifndef BJ_SPEC_H
#define BJ_SPEC_H

#include "base/arena.h"
#include "spec/limits.h"

enum bj_mode { BJ_OFF, BJ_PREFER, BJ_REQUIRE };

/* X(ENUM, name in JSON, default mode, may it be "off"?)   One row for each layer of DESIGN section 4. */
#define BJ_LAYER_LIST(X)                                                                                       \
    X(USER, "user", BJ_REQUIRE, 1)                                                                             \
    X(MOUNT, "mount", BJ_REQUIRE, 0)                                                                           \
    X(PID, "pid", BJ_REQUIRE, 0)                                                                               \
    X(IPC, "ipc", BJ_REQUIRE, 1)                                                                               \
    X(UTS, "uts", BJ_REQUIRE, 1)                                                                               \
    X(CGROUP_NS, "cgroup_namespace", BJ_REQUIRE, 1)                                                            \
    X(NET, "network", BJ_REQUIRE, 1)                                                                           \
    X(TIME, "time", BJ_PREFER, 1)                                                                              \
    X(CAPABILITIES, "capabilities", BJ_REQUIRE, 1)                                                             \
    X(NO_NEW_PRIVS, "no_new_privs", BJ_REQUIRE, 0)                                                             \
    X(KEYRING, "keyring", BJ_REQUIRE, 1)                                                                       \
    X(RLIMITS, "rlimits", BJ_REQUIRE, 1)                                                                       \
    X(LANDLOCK, "landlock", BJ_PREFER, 1)                                                                      \
    X(APPARMOR, "apparmor", BJ_PREFER, 1)                                                                      \
    X(SECCOMP, "seccomp", BJ_REQUIRE, 1)                                                                       \
    X(DENIAL_REPORT, "denial_report", BJ_PREFER, 1)                                                            \
    X(CGROUP, "cgroup", BJ_PREFER, 1)

enum bj_layer {
#define X(name, text, mode, optional) BJ_LAYER_##name,
    BJ_LAYER_LIST(X)
#undef X
        BJ_LAYER__COUNT
};

enum bj_network { BJ_NETWORK_NONE, BJ_NETWORK_LOOPBACK, BJ_NETWORK_HOST }; /* each wider than the one before */
enum bj_proc { BJ_PROC_NONE, BJ_PROC_OWN };
enum bj_output_action { BJ_OUTPUT_TRUNCATE, BJ_OUTPUT_KILL };
enum bj_mount_mode { BJ_MOUNT_RO, BJ_MOUNT_RW };
enum bj_file_kind { BJ_FILE_BYTES, BJ_FILE_SOURCE };

/* A limit of 0 is "not set" for cpu_us, memory_bytes and address_space_bytes; for output_bytes and file_bytes
 * 0 means that nothing may be written; the others are never 0 in a complete spec. */
struct bj_limits {
    uint64_t wall_us;
    uint64_t cpu_us;
    uint64_t memory_bytes;
    uint64_t processes;
    uint64_t output_bytes; /* of each stream */
    uint64_t disk_bytes;   /* of all that the guest may write to together */
    uint64_t files;        /* inodes, the same */
    uint64_t file_bytes;   /* one file */
    uint64_t open_files;
    uint64_t stack_bytes;
    uint64_t address_space_bytes;
    /* Of a session; other runs do not read them. */
    uint64_t lifetime_us;
    uint64_t idle_us;  /* without a snippet */
    uint64_t branches; /* besides the first, snapshots among them */
    /* Of the caller's functions that a snippet may call; call_us 0: as long as the run has. */
    uint64_t calls;      /* as many of them */
    uint64_t call_us;    /* all of them together */
    uint64_t call_bytes; /* arguments, or value, of one */
    /* command, code or expression, globals, views, args, stdin and files that are given by their bytes, together */
    uint64_t input_bytes;
};

/* All paths of the jail are absolute and clean (no "." or "..", no "//"), except in files and collect, where
 * they are relative to the working directory /box and as clean. */
struct bj_file {
    enum bj_file_kind kind;
    bool executable; /* placed where the guest can run but not change it */
    const char *path;
    const void *bytes; /* BJ_FILE_BYTES */
    size_t length;
    const char *source;  /* BJ_FILE_SOURCE: absolute host path */
    const char *beneath; /* not NULL: the host directory that source, a request's, must not lead out of */
};

struct bj_mount {
    const char *source; /* absolute host path */
    const char *target;
    enum bj_mount_mode mode;
    bool optional;       /* skipped when the source does not exist ("-try" in bubblewrap's words) */
    bool executable;     /* programs in it may be run */
    const char *beneath; /* as in struct bj_file */
};

struct bj_link {
    const char *path;   /* where the symbolic link stands */
    const char *target; /* what it says */
};

struct bj_strings {
    const char **items; /* items[count] is NULL */
    size_t count;
};

/* The record of a script, step by step. */
struct bj_trace {
    uint64_t max_steps; /* 0: none is wanted, and the rest says nothing */
    uint64_t max_bytes; /* 0: as many as the result has room for */
};

/* A run of Python that repeats exactly. */
struct bj_deterministic {
    bool on; /* false: the rest says nothing */
    uint32_t seed;
    int64_t start_s; /* what the clock says when it begins; seconds since 1970 (spec/moment.h) */
};

struct bj_spec {
    struct bj_arena arena;   /* owns everything that is pointed to below */
    const char *profile;     /* name of the profile that this spec came from */
    const char *description; /* one line, of the profile */

    struct bj_strings command; /* with "args" appended */
    const char *code;          /* exactly one of command, code, expression in a spec that is run */
    const char *expression;
    struct bj_strings
        args; /* of code or expression: sys.argv, behind its name. In a request: not appended yet */
    struct bj_strings python_path; /* directories of the jail that modules are looked for in, after /box */
    const char *python;  /* host path of a virtual environment, which is shown; NULL: the host's Python alone */
    const char *globals; /* JSON text, opaque here */
    const char *views;   /* the same; variables that cannot be changed */
    const char *policy;  /* JSON text, opaque here */
    bool policy_was_read; /* by whoever sent the request: it is not read here again, only by the guest */
    /* Functions of the caller's, by name; items NULL: none can be called. Of a pool: empty, a run may name some. */
    struct bj_strings calls;
    struct bj_trace trace; /* only with code */
    bool display;          /* the same; values of its expression statements are written to its stdout */
    bool check;            /* the same; it is not run, only read: is it whole? For who reads lines */
    bool
        merged; /* the same; its stderr is its stdout, in the order in which it writes. The service's protocol without HTTP */
    struct bj_deterministic deterministic; /* only with code or expression */
    struct bj_strings environment;         /* "NAME=VALUE", sorted, no duplicate */
    const void *stdin_bytes;               /* NULL: empty */
    size_t stdin_length;
    const char *directory; /* working directory of the program */
    const char *hostname;

    struct bj_file *files;
    size_t file_count;
    struct bj_strings collect; /* glob(7) patterns relative to /box; '*' does not cross '/' */
    struct bj_mount *mounts;
    size_t mount_count;
    struct bj_link *links;
    size_t link_count;
    struct bj_strings closed_directories; /* exist, may not be listed */
    struct bj_strings closed_files;       /* exist, may not be opened */

    struct bj_limits limits;
    enum bj_mode layers[BJ_LAYER__COUNT];
    enum bj_network network;
    enum bj_proc proc;
    enum bj_output_action output_action;
    bool scratch_executable;    /* may programs written by the guest be run? (compilers) */
    struct bj_strings syscalls; /* names of filter/sets.def, sorted */
    int nice;                   /* 0 to 19 */
    struct bj_strings preload;  /* Python modules that the zygote of a pool imports before it forks */
    bool session;               /* what is run is a session's root; nobody can ask for it but bj_session_new */

    /* What a request may ask for beyond the profile; a run does not read these. */
    struct bj_strings mount_sources; /* host directories below which it may mount (read-only) and take files */
    struct bj_strings env_names;     /* variables that it may set or remove; items NULL: any */
};

/* An empty complete spec: defaults of every field, no mounts, no command. -ENOMEM. */
int bj__spec_new(struct bj_spec **ret_spec, struct bj_error *err);
/* A deep copy that may be changed on its own. */
int bj__spec_copy(const struct bj_spec *spec, struct bj_spec **ret_spec, struct bj_error *err);

/* spec_differs.c: the key in which a differs from b, for whose jails were made ahead, in more than code, expression, args, python_path,
 * globals, views, calls, trace, files, collect, and lower limits of time, input, output and calls, and of memory where the jail is the run's own; NULL: in
 * none. */
const char *bj__spec_differs(const struct bj_spec *a, const struct bj_spec *b);

/* The same: for jails that are made before their snippets are known. what: "pool", "session". The caller frees it. */
int bj__spec_template(const struct bj_spec *spec, const char *what, struct bj_spec **ret_spec,
                      struct bj_error *err);

/* spec_json.c. Complete: a profile (all operator keys allowed, defaults for what is absent). Request: only the
 * keys a request may have; *ret_present has a bit for each key that was given (enum bj_spec_key). */
enum bj_spec_key {
    BJ_KEY_PROFILE,
    BJ_KEY_COMMAND,
    BJ_KEY_CODE,
    BJ_KEY_EXPRESSION,
    BJ_KEY_GLOBALS,
    BJ_KEY_POLICY,
    BJ_KEY_ENV,
    BJ_KEY_STDIN,
    BJ_KEY_DIRECTORY,
    BJ_KEY_HOSTNAME,
    BJ_KEY_FILES,
    BJ_KEY_COLLECT,
    BJ_KEY_MOUNTS,
    BJ_KEY_LIMITS,
    BJ_KEY_LAYERS,
    BJ_KEY_NETWORK,
    BJ_KEY_PROC,
    BJ_KEY_OUTPUT_ACTION,
    BJ_KEY_SYSCALLS,
    BJ_KEY_NICE,
    BJ_KEY_ARGS,
    BJ_KEY_TRACE,
    BJ_KEY_DETERMINISTIC,
    BJ_KEY_PYTHON_PATH,
    BJ_KEY_DISPLAY,
    BJ_KEY_VIEWS,
    BJ_KEY__COUNT
};
struct bj_request {
    struct bj_spec *spec; /* owned; fields that were not given are zero. An environment item without a '='
                           * takes that variable away. "args" stand by themselves: the profile may have the command. */
    uint32_t keys;        /* 1u << enum bj_spec_key */
    uint32_t limit_keys;  /* 1u << position in BJ_LIMIT_LIST */
    uint32_t layer_keys;  /* 1u << enum bj_layer */
    bool policy_was_read; /* by who sent it (spec_wire.h) */
};
int bj__spec_parse_profile(const char *name, const char *json, size_t length, struct bj_spec **ret_spec,
                           struct bj_error *err);
int bj__spec_parse_request(const char *json, size_t length, struct bj_request *ret_request,
                           struct bj_error *err);
void bj__request_done(struct bj_request *request);

/* tighten.c: profile ∧ request. Pure. BJ_ERROR_WIDENS where the request asks for more. */
int bj__spec_tighten(const struct bj_spec *profile, const struct bj_request *request, struct bj_spec **ret_spec,
                     struct bj_error *err);

/* spec_python.c: what is asked of Python, as far as it can be judged without a host. */
int bj__spec_check_python(const struct bj_spec *spec, bool for_run, struct bj_error *err);
/* "args" go behind the command; those of code and expression stay what they are. */
int bj__spec_join_args(struct bj_spec *spec, struct bj_error *err);
/* The virtual environment is mounted in one place, wherever it is on the host. */
#define BJ_PYTHON_PLACE "/opt/venv"
int bj__spec_show_python(struct bj_spec *spec, struct bj_error *err);

/* The part of bj__spec_check that is about what a pool's specs may differ in. */
int bj__spec_check_snippet(const struct bj_spec *spec, struct bj_error *err);
/* spec_check.c: is this spec complete and sane? Paths clean, no duplicate or reserved target, limits within
 * the hard maxima, exactly one of command/code/expression when for_run. */
int bj__spec_check(const struct bj_spec *spec, bool for_run, struct bj_error *err);
/* Clean relative path of the guest's: no NUL, "", "/", "..", ".", control characters, reserved names; bounded
 * depth and length. field names it in the error. */
int bj__spec_check_path(const char *field, const char *path, struct bj_error *err);

/* Names. */
const char *bj__layer_name(enum bj_layer layer);
const char *bj__mode_name(enum bj_mode mode);
const char *bj__network_name(enum bj_network network);
const char *bj__proc_name(enum bj_proc proc);
const char *bj__output_action_name(enum bj_output_action action);
const char *bj__mount_mode_name(enum bj_mount_mode mode);

#endif
