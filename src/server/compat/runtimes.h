/* Languages that clients of Piston can ask for, each by a profile that is served.
 * Its own file because what is offered, how it is started and which version it has is one table.
 * Changes when: another language can be had. */
#ifndef BJ_COMPAT_RUNTIMES_H
#define BJ_COMPAT_RUNTIMES_H

#include "server/http.h"

struct bj_runtime {
    const char *language, *aliases[5]; /* NULL ends them */
    const char *runtime;               /* NULL: the language's own name */
    const char *profile;
    const char *probe[3];   /* says its version */
    const char *compile[6]; /* its files follow; NULL: it is not compiled */
    const char *libraries;  /* behind them; NULL: none */
    const char *run[3];     /* its first file follows, unless it is compiled */
};

#define BJ_RUNTIME_BINARY "a.out" /* what is made of what is compiled */

/* language: a name or an alias; NULL: any. True: versions are known, or found out to be missing, of all that this client may have of
 * it. False: that is being done, in a jail, and then again is called; or the exchange was answered with why not. */
bool bj__runtimes_known(struct bj_exchange *exchange, const char *language,
                        void (*again)(struct bj_exchange *exchange));
/* Those of the client: NULL ends them. version: of the one that is returned. */
const struct bj_runtime *bj__runtime_next(const struct bj_exchange *exchange, const struct bj_runtime *before,
                                          const char **ret_version);
bool bj__runtime_is(const struct bj_runtime *runtime, const char *language);

#endif
