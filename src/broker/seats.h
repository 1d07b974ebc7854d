/* Which descriptor of a service's process is what.
 * Its own file because who starts a process and who is started must agree.
 * Changes when: a process is handed something more.
 *
 * 0 is /dev/null, 1 and 2 are belljard's stderr (for the broker) or the log socket (for the front); nothing else is open. */
#ifndef BJ_BROKER_SEATS_H
#define BJ_BROKER_SEATS_H

/* belljar-broker --concurrent-runs N --sessions N --profile NAME:JAILS ... [--control] */
#define BJ_BROKER_SEAT_KEEPER                                                                                  \
    3 /* SOCK_SEQPACKET: one byte of enum bj_keeper_word, with a descriptor where it says so; its end of file ends the broker */
#define BJ_BROKER_SEAT_CONTROL                                                                                 \
    4 /* with --control: a listening SOCK_SEQPACKET unix socket, for those who watch */

/* belljar-front [--take-over] [LISTENER ...]: "http=6" and the like, each a kind and its descriptor; none in a self-test. --take-over:
 * another front serves on them; where the walls do not hold, this one leaves them to it */
#define BJ_FRONT_SEAT_BROKER    3 /* SOCK_SEQPACKET, broker/wire.h */
#define BJ_FRONT_SEAT_LOG       4 /* SOCK_SEQPACKET: lines of the log, at most BJ_LOG_MAX bytes each (base/log.h) */
#define BJ_FRONT_SEAT_CONFIG    5 /* a sealed memfd: the text of the configuration that was checked */
#define BJ_FRONT_SEAT_LISTENERS 6 /* and those behind it */

enum bj_keeper_word {
    BJ_KEEPER_FRONT = 'f', /* here is the socket of a front */
    BJ_KEEPER_DRAIN = 'd', /* start nothing more; end when nothing runs */
    BJ_KEEPER_STAY = 'r'   /* another one was to take over and could not; who watches is told how often */
};

#endif
