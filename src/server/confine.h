/* The walls around the front.
 * Its own file because what parses strangers' bytes must first have nothing to lose.
 * Changes when: the front needs more, or can do with less. */
#ifndef BJ_SERVER_CONFINE_H
#define BJ_SERVER_CONFINE_H

#include "base/base.h"

#include <sys/types.h>

/* What it is to become, looked up while files can still be read. */
struct bj_confine_user {
    bool drop; /* the process is root */
    uid_t uid;
    gid_t gid;
};
int bj__confine_user(const char *name, struct bj_confine_user *ret_user, struct bj_error *err);

/* X(ENUM, name): walls, in the order in which they are put up. */
#define BJ_CONFINE_LIST(X)                                                                                     \
    X(USER, "user")                                                                                            \
    X(NAMESPACES, "namespaces")                                                                                \
    X(ROOT, "root")                                                                                            \
    X(CAPABILITIES, "capabilities")                                                                            \
    X(RLIMITS, "rlimits")                                                                                      \
    X(NO_NEW_PRIVS, "no_new_privs")                                                                            \
    X(LANDLOCK, "landlock")                                                                                    \
    X(SECCOMP, "seccomp")

enum bj_confine_layer {
#define X(name, text) BJ_CONFINE_##name,
    BJ_CONFINE_LIST(X)
#undef X
        BJ_CONFINE__COUNT
};

/* How each stands: "on", a detail, or "unavailable: ..." */
struct bj_confine_state {
    char text[BJ_CONFINE__COUNT][64];
};

/* Puts up the walls and tries them. 0; anything else: the process must end. After it no file, socket or process can be made. */
int bj__confine(const struct bj_confine_user *user, uint64_t open_files, struct bj_confine_state *state,
                struct bj_error *err);
const char *bj__confine_name(enum bj_confine_layer layer);
/* A JSON object of them. */
void bj__confine_json(const struct bj_confine_state *state, char *text, size_t size);

/* ---- between the two files of it -------------------------------------------------------------------- */

/* confine_filter.c: the filter of system calls, and trials that must fail once it stands. */
int bj__confine_filter(struct bj_error *err);
int bj__confine_prove(struct bj_error *err);

#endif
