/* The inside of struct bj_plan, and the builders that fill it.
 * Its own file because the child half may see plan.h but must not see specs, hosts and filters.
 * Changes when: the parent half needs to know more of a plan than its operations. */
#ifndef BJ_PLAN_INTERNAL_H
#define BJ_PLAN_INTERNAL_H

#include "filter/filter.h"
#include "host/host.h"
#include "host/sources.h"
#include "plan/plan.h"
#include "spec/spec.h"

#define BJ_MAX_MADE 1024u /* directories of the new root: mounts, links and closed doors with their parents */
#define BJ_MAX_OPS  8192u /* 4096 files in, with their directories, and the fixed part */

struct bj_plan {
    struct bj_arena arena; /* owns everything below; frozen once built */
    struct bj_op *ops;
    uint32_t op_count;
    struct bj_program program;
    int slots; /* used so far */

    uint64_t clone_flags; /* CLONE_NEW* for the jail's pid 1 */
    bool user_namespace;
    bool two_ids; /* ids from the range: pid 1 and the guest have different ones */
    uint32_t id_first, id_count;
    uid_t uid; /* outside id when !two_ids */
    gid_t gid;
    bool notify;    /* a listener will arrive with EXECING */
    bool tells_end; /* and is told of exit_group(2) */
    bool cgroup;    /* a leaf is to be made */
    /* Of ours in it: pid 1; of a session also its root, its branches, one that makes them, and the one that takes another's
     * place. */
    unsigned own_processes;
    bool deterministic; /* of a snippet: it is to repeat exactly */
    struct bj_filter_policy filter;
    struct bj_host_cgroup cgroup_parents;

    struct bj_limits limits;
    enum bj_output_action output_action;
    const void *stdin_bytes;
    size_t stdin_length;
    const void *request; /* what the snippet's program is asked, JSON; NULL: it is none */
    size_t request_length;
    struct bj_strings calls; /* functions of the caller's */
    struct bj_strings collect;
    struct bj_plan_layer layers[BJ_LAYER__COUNT];
    bool timing;
};

/* plan_warm.c: one plan in two parts. The zygote makes once what its forks share and guests cannot change: the root
 * and its mounts, the namespaces of users, mounts, network, name and time. Each fork does the rest for one run. */
struct bj_warm {
    struct bj_plan *whole;       /* owns what the others point to */
    struct bj_plan zygote, fork; /* views of it, with operations of their own */
    struct bj_buf wire;          /* the fork's operations, as the zygote reads them (base/wire.h) */
    struct bj_buf filter;        /* the fork's program, where it is another than the whole plan's */
};
/* spec: of a snippet. Layers that a zygote cannot give its forks are errors where they are required. */
int bj__warm_new(const struct bj_spec *spec, struct bj_warm **ret_warm, struct bj_error *err);
/* Its second half, pure; the plan, of a snippet with a user namespace and without AppArmor, is taken. modules: names of
 * what is imported first. */
int bj__warm_split(struct bj_plan *whole, const struct bj_strings *modules, struct bj_warm **ret_warm,
                   struct bj_error *err);
void bj__warm_free(struct bj_warm *warm);
/* The request of a snippet as the program that runs snippets reads it: JSON, its zero, and the bytes of files. sources:
 * files that the program is to write before it begins, or NULL. The buffer is the caller's. 0 or -ENOMEM. */
int bj__snippet_request(const struct bj_spec *spec, const struct bj_sources *sources, struct bj_buf *request);

/* Builds on a given host: pure; what bj_plan_new does after probing and reading. */
int bj__plan_build(const struct bj_spec *spec, const struct bj_host *host, const struct bj_sources *sources,
                   struct bj_plan **ret_plan, struct bj_error *err);

/* What the builders share. */
struct bj_build {
    const struct bj_spec *spec;
    const struct bj_host *host;
    const struct bj_sources *sources;
    struct bj_plan *plan;
    struct bj_error *err;
    int first_mount_slot; /* slot of mounts[0]; one each */
    int device_slots;     /* first of the slots of /dev nodes */
    int guest_slot;       /* the program that runs snippets, or -1 */
    int proc_slot;        /* the host's /proc, for AppArmor; or -1 */
    uint32_t inodes;      /* of the new root's skeleton */
    uint64_t bytes;       /* of programs in it */
    size_t programs;
    const char **made; /* directories of the new root so far, so that each is made once */
    size_t made_count;
    bool full; /* an operation did not fit or memory was short: reported once at the end */
};

/* The parts, in the order in which they are called; each appends operations. */
int bj__plan_layers(struct bj_build *build);      /* plan_layers.c: which layers are on, and the clone flags */
int bj__plan_sources(struct bj_build *build);     /* plan_mounts.c: phase SOURCE */
void bj__plan_root(struct bj_build *build);       /* plan_root.c: phase ROOT */
void bj__plan_mounts(struct bj_build *build);     /* plan_mounts.c: phase ROOT, targets of the sources */
void bj__plan_programs(struct bj_build *build);   /* plan_files.c: phase ROOT, files that may be run */
void bj__plan_shed(struct bj_build *build);       /* plan_creds.c: phase SHED */
void bj__plan_payload(struct bj_build *build);    /* plan_creds.c: phases PAYLOAD and IDS */
void bj__plan_files(struct bj_build *build);      /* plan_files.c: phase FILES */
void bj__plan_limits(struct bj_build *build);     /* plan_limits.c: phase CAPS */
void bj__plan_open_files(struct bj_build *build); /* plan_limits.c: phase EXEC */
int bj__plan_snippet(struct bj_build *build); /* plan_snippet.c: what the program that runs snippets is asked */
extern const char *const bj__snippet_program; /* its path in the jail */
void bj__plan_landlock(struct bj_build *build); /* plan_landlock.c: phase LANDLOCK */
int bj__plan_final(struct bj_build *build);     /* plan_final.c: assertions, filter, exec */

/* Appends one operation. Never NULL: a full plan sets build->full and gives a scratch one. */
struct bj_op *bj__plan_add(struct bj_build *build, enum bj_opcode code, const char *text);
int bj__plan_new_slot(struct bj_build *build);                 /* 0 and build->full when there are none left */
char *bj__plan_copy(struct bj_build *build, const char *text); /* NULL and build->full when it does not fit */
char *bj__plan_format(struct bj_build *build, const char *format, ...) BJ_PRINTF(2, 3);
/* A directory of the new root with its parents; path is absolute. */
void bj__plan_make_directory(struct bj_build *build, const char *path, uint64_t mode);
void bj__plan_make_parents(struct bj_build *build, const char *path);
/* The mount of the spec that an absolute path of the jail is in, or NULL: the new root itself. */
const struct bj_mount *bj__plan_covering_mount(const struct bj_build *build, const char *path);
bool bj__plan_layer_on(const struct bj_build *build, enum bj_layer layer);

/* plan_check.c: order of phases, must-haves, slots, paths. Run on every plan before it is frozen. */
int bj__plan_check(const struct bj_plan *plan, struct bj_error *err);
enum bj_phase bj__op_phase(uint32_t code);
const char *bj__op_doc(uint32_t code);

#endif
