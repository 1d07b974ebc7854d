/* Answers "would this be allowed, and which layer says so?" (being written). */
#include "base/base.h"

char *bj_explain(const struct bj_spec *spec, const char *question, struct bj_error *err)
{
    (void)spec;
    bj__error(err, BJ_ERROR_INVALID, EINVAL, "question", "\"%.64s\": not written yet", question);
    return NULL;
}
