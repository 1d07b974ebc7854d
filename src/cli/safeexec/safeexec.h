/* What the files of safeexec share: the options as parsed, and a function for each step.
 * Its own file because options.def, its parser and what is made of it must agree on one struct.
 * Changes when: a step is added, or something new can be said on the command line. */
#ifndef BJ_CLI_SAFEEXEC_H
#define BJ_CLI_SAFEEXEC_H

#include <limits.h>

#include "base/buf.h"
#include "cli/safeexec/report.h"

/* All that the command ever ends with, beside 0. */
#define SAFEEXEC_FAILED 1

#define ABSENT UINT64_MAX /* a number that was not given and has no value then */

enum safeexec_number {
#define NUMBER(name, ...) SAFEEXEC_##name,
#define TEXT(...)
#define FLAG(...)
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
    SAFEEXEC_NUMBERS
};

enum safeexec_text {
#define NUMBER(...)
#define TEXT(name, ...) SAFEEXEC_##name,
#define FLAG(...)
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
    SAFEEXEC_TEXTS
};

enum safeexec_flag {
#define NUMBER(...)
#define TEXT(...)
#define FLAG(name, ...) SAFEEXEC_##name,
#include "cli/safeexec/options.def"
#undef NUMBER
#undef TEXT
#undef FLAG
    SAFEEXEC_FLAGS
};

/* Strings belong to argv. */
struct safeexec {
    uint64_t numbers[SAFEEXEC_NUMBERS];
    const char *texts[SAFEEXEC_TEXTS]; /* NULL: not given */
    bool flags[SAFEEXEC_FLAGS];
    char **command; /* NULL-terminated, at least one word */
};

/* options.c: 0, or -EINVAL and the message, with the usage where the old command gave it, is on stderr. */
int bj__safeexec_parse(char **argv, struct safeexec *ret_request);
/* "error N (...): FIELD: MESSAGE" to stderr. */
void bj__safeexec_say_error(const struct bj_error *err);

/* jail.c: the spec of the run. A value that a jail cannot give and that is made smaller is told on stderr. */
int bj__safeexec_spec(const struct safeexec *request, struct bj_spec **ret_spec, struct bj_error *err);

/* What of the host the program meets. */
struct safeexec_view {
    char directory[PATH_MAX]; /* in the jail: where the program starts */
    char command[PATH_MAX];   /* in the jail: its first word */
};
/* view.c, root.c: profile, the JSON of a profile, is given the mounts (or those of --chroot_dir alone). */
int bj__safeexec_view(const struct safeexec *request, json_t *profile, struct safeexec_view *ret_view,
                      struct bj_error *err);
int bj__safeexec_view_root(const struct safeexec *request, json_t *profile, struct safeexec_view *ret_view,
                           struct bj_error *err);
/* Appends to the profile's mounts: read-only, or writable where others may write, as they could ever. */
int bj__safeexec_show(json_t *profile, const char *source, const char *target, struct bj_error *err);

#endif
