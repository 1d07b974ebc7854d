/* From a request of a web server to what is to be run.
 * Its own file because the command runs it without knowing where it comes from.
 * Changes when: another kind of request is run. */
#ifndef BJ_CLI_CGI_ASK_H
#define BJ_CLI_CGI_ASK_H

#include "cli/cgi/request.h"
#include "cli/cli.h"

#define CGI_FIELD "user_script" /* what the old script calls the one field of its form */

/* Reads the body. The spec is the operator's, profile and options, with what the request brings: a script, or JSON that can only
 * narrow it. Of a HEAD request too, so that it is answered as GET would be. 0, or -EINVAL and why. */
int bj__cgi_spec(const struct options *options, const struct cgi_request *request, struct bj_spec **ret_spec,
                 struct cgi_refusal *ret_refusal);

/* Throws away what is left of a body that was not read. A server may have one socket for both directions (Apache's mod_cgid), and
 * the answer would be lost with what was never read from it (unix(7)). length: as the server told it, or NULL: up to the end. */
void bj__cgi_drop_body(const char *length);

/* What is wrong with the request is told to whoever sent it. -EINVAL. */
int bj__cgi_refuse_request(struct cgi_refusal *ret_refusal, int status, const struct bj_error *err);
/* What is wrong with this host, or with what its operator wrote, is told to the operator, on stderr. -EINVAL. */
int bj__cgi_refuse_all(struct cgi_refusal *ret_refusal, int status, const char *detail,
                       const struct bj_error *err);

#endif
