/* What an option of the spec does: the functions that opts.def names.
 * Its own file because opts.c puts them into its table and make_spec.c calls them from there.
 * Changes when: the spec can be changed in another way. */
#ifndef BJ_CLI_APPLY_H
#define BJ_CLI_APPLY_H

#include "cli/cli.h"

#define APPLY_LIST(X)                                                                                          \
    X(apply_duration)                                                                                          \
    X(apply_size)                                                                                              \
    X(apply_count)                                                                                             \
    X(apply_output_action)                                                                                     \
    X(apply_file)                                                                                              \
    X(apply_collect)                                                                                           \
    X(apply_globals)                                                                                           \
    X(apply_display)                                                                                           \
    X(apply_trace)                                                                                             \
    X(apply_deterministic)                                                                                     \
    X(apply_seed)                                                                                              \
    X(apply_start_time)                                                                                        \
    X(apply_name)                                                                                              \
    X(apply_policy)                                                                                            \
    X(apply_features)                                                                                          \
    X(apply_allow_path)                                                                                        \
    X(apply_python_path)                                                                                       \
    X(apply_python)                                                                                            \
    X(apply_env)                                                                                               \
    X(apply_chdir)                                                                                             \
    X(apply_hostname)                                                                                          \
    X(apply_bind)                                                                                              \
    X(apply_bind_try)                                                                                          \
    X(apply_network)                                                                                           \
    X(apply_share_net)                                                                                         \
    X(apply_layers)                                                                                            \
    X(apply_syscalls)

/* An error needs no field: the option's name is put there. */
#define X(name) int bj__##name(struct bj_spec *spec, const struct setting *setting, struct bj_error *err);
APPLY_LIST(X)
#undef X

#endif
