/* What belljar-guest is asked: a head, its parts one behind the other, and then the bytes of files.
 * Its own file because both sides, the library and belljar-guest, must read the same sentence.
 * Changes when: a snippet can bring something more along.
 *
 * It is ours and trusted; what is checked are versions, not lies. Most requests are a text and nothing else, so that is all
 * that has to be read of them: values are JSON, and where there are none there is no text either. */
#ifndef BJ_REQUEST_WIRE_H
#define BJ_REQUEST_WIRE_H

#include <stdint.h>

#define BJ_REQUEST_MAGIC 0x626a7133u /* "bjq3" */

enum bj_request_part {
    BJ_REQUEST_SOURCE,  /* UTF-8 */
    BJ_REQUEST_GLOBALS, /* the rest is JSON: an object */
    BJ_REQUEST_VIEWS,   /* the same: variables that cannot be changed */
    BJ_REQUEST_ARGV,    /* an array of texts: what follows the program's own name */
    BJ_REQUEST_PATH,    /* the same: more directories for sys.path */
    BJ_REQUEST_POLICY,  /* an object */
    BJ_REQUEST_CALLS,   /* an array of texts: functions of the host's, by name */
    BJ_REQUEST_FILES,   /* [path, length, mode] of each, a directory with a length of -1 */
    BJ_REQUEST__PARTS
};

enum bj_request_flag {
    BJ_REQUEST_EXPRESSION = 1, /* the source is one; else it is code */
    BJ_REQUEST_DISPLAY = 2,    /* values of its expression statements are written */
    BJ_REQUEST_CHECK = 4,      /* it is not run; the value is whether it is whole */
    BJ_REQUEST_SESSION = 8,    /* there is nothing to run: snippets will be told */
    BJ_REQUEST_ANSWERS = 16,   /* BJ_GUEST_ANSWERS is there, whether functions are named or not */
    BJ_REQUEST_MERGED = 32     /* its stderr is its stdout */
};

struct bj_request_head {
    uint32_t magic;
    uint32_t flags;       /* enum bj_request_flag */
    uint64_t reply_bytes; /* as long as the reply may be */
    uint64_t trace_steps; /* that are recorded; 0: none */
    uint64_t trace_bytes; /* as long as the record may be */
    uint64_t calls;       /* of the host's functions, as many as there may be */
    uint64_t call_bytes;  /* as long as the arguments of one may be */
    uint64_t lengths[BJ_REQUEST__PARTS];
};

#endif
