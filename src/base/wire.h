/* What a zygote is told: the operations of its forks when it starts, and then one message for each fork.
 * Its own file because both sides, the library and belljar-guest, must read the same sentence.
 * Changes when: a fork is made with something more.
 *
 * Both are ours and trusted; what is checked here are versions, not lies: a library and a belljar-guest of two builds
 * must notice. The operations stand in BJ_GUEST_REQUEST: a head, the operations with offsets for pointers (0: NULL),
 * the bytes that they point to, from the head's end on. Messages go over BJ_GUEST_REPLY, a SOCK_SEQPACKET socket. */
#ifndef BJ_WIRE_H
#define BJ_WIRE_H

#include <stdint.h>

#define BJ_WIRE_MAGIC 0x626a7a32u /* "bjz2" */

struct bj_wire_head {
    uint32_t magic;
    uint32_t op_kinds; /* how many there are: another build has others */
    uint32_t op_size;  /* of struct bj_op */
    uint32_t op_count;
    uint32_t payload_first;
    uint32_t host_ids;
    uint64_t clone_flags;
    uint64_t length; /* of everything, this head as well */
    uint64_t
        modules_offset; /* directories, then names of what is imported beforehand, each with its zero; an empty one */
};

/* To the zygote: make a fork. Descriptors come with it, in the order of the seats that have one. */
struct bj_park_message {
    uint32_t magic;
    uint32_t seats; /* bit n: a descriptor for seat n */
};

/* From it: the fork's pid 1, with a pidfd of it; or why there is none. The first of all says that it is ready. */
struct bj_parked_message {
    uint32_t magic;
    int32_t pid; /* as the zygote's, and so the library's, pid namespace numbers it; 0: ready */
    int32_t err; /* positive errno */
};

#endif
