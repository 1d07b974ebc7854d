/* What the doctor found, between the one who looks and the one who prints.
 * Its own file because text and JSON must say the same.
 * Changes when: the doctor looks at something more. */
#ifndef BJ_DOCTOR_H
#define BJ_DOCTOR_H

#include "host/trial.h"
#include "spec/spec.h"

struct bj_finding {
    enum bj_mode mode;
    bool on;
    char detail[160];          /* "abi 7" */
    enum bj_cause cause;       /* who or what refuses it */
    char problem[BJ_WHY_SIZE]; /* why not (or not fully); "" otherwise */
    const char *fix;           /* in problem, behind its NUL; NULL when nothing is known to help */
};

struct bj_diagnosis {
    const struct bj_spec *spec; /* NULL: the defaults of each layer */
    char kernel[72];            /* uname's release */
    struct bj_host host;
    bool probed; /* host is filled; otherwise problem says why not */
    char problem[512];
    struct bj_host_trial trial;
    struct bj_finding layers[BJ_LAYER__COUNT];
    struct bj_finding proc; /* no layer, but what a spec with "proc": "own" needs */
    int missing;            /* required and not on */
};

/* doctor_print.c; free() it, NULL when out of memory. */
char *bj__doctor_text(const struct bj_diagnosis *diagnosis);
char *bj__doctor_json(const struct bj_diagnosis *diagnosis);

#endif
