/* Answers of belljar cgi, byte by byte.
 * Its own file because they are pure text, and clients of the old script compare every byte.
 * Changes when: something else is told of a run, or in another form. */
#ifndef BJ_CLI_CGI_ANSWER_H
#define BJ_CLI_CGI_ANSWER_H

#include "base/buf.h"
#include "cli/cgi/request.h"

#define CGI_TEXT "text/plain; charset=iso-8859-1" /* of the old script; all bytes of the answer are ASCII */

/* The head, with the empty line behind it. type NULL: there is no body. origin: as in struct cgi_request. */
int bj__cgi_answer_head(struct bj_buf *out, int status, const char *type, const char *origin);
/* What may be asked; to a browser that asks before it lets a page ask (CORS), too. */
int bj__cgi_answer_options(struct bj_buf *out, const char *origin);
/* Head and, with_body, body of an error (RFC 9457). */
int bj__cgi_answer_problem(struct bj_buf *out, const struct cgi_refusal *refusal, const char *origin,
                           bool with_body);
/* A run of a script, as the old one told it: stdout, and stderr with safeexec's report behind it. */
int bj__cgi_answer_text(struct bj_buf *out, const struct bj_result *result, const struct bj_spec *spec,
                        const char *origin);
/* A run of a request in JSON: its result. */
int bj__cgi_answer_json(struct bj_buf *out, const struct bj_result *result, const char *origin);
/* Bytes as Python writes them: b'...'. */
int bj__cgi_bytes_add(struct bj_buf *out, const unsigned char *bytes, size_t length);

#endif
