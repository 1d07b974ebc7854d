/* What safeexec says of a run: one line for the verdict, then figures.
 * Its own file because others answer in the same words, and have none of safeexec's options.
 * Changes when: a status of a result is told in other words. */
#ifndef BJ_CLI_SAFEEXEC_REPORT_H
#define BJ_CLI_SAFEEXEC_REPORT_H

#include "base/buf.h"
#include "cli/facts.h"

/* The verdict's line, without the newline. interrupted: the signal that ended the command, or 0. */
void bj__safeexec_verdict(const struct facts *facts, int interrupted, char *ret_line, size_t size);
/* The verdict and the figures. cpu_limit: of the run, in seconds. True for the verdict OK. */
bool bj__safeexec_report_add(struct bj_buf *out, const struct facts *facts, double cpu_limit, int interrupted);

#endif
