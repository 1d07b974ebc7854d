/* What a client of snekbox asks for.
 * Its own file because the request is judged in one file, and run and told of in another.
 * Changes when: snekbox's requests have another field. */
#ifndef BJ_COMPAT_SNEKBOX_H
#define BJ_COMPAT_SNEKBOX_H

#include "server/http.h"

/* The body as a request for the profile. false: *refusal, whose field is the title, and its message the description. */
bool bj__snekbox_read(const struct bj_exchange *exchange, const char *profile, struct bj_request *ret_request,
                      struct bj_refusal *refusal);

#endif
