/* Clocks and chance of a run that repeats exactly, and the functions of the C library that ask for them.
 * Its own file because the parts of it share these few words, and no other part of the guest needs them.
 * Changes when: another function of the C library has to be answered.
 *
 * Nothing here is a wall, and no snippet is kept from the true clocks: a system call of its own, a program that it starts
 * and the files of /dev and /proc tell what they always tell. A program that does not look for them repeats. */
#ifndef BJ_GUEST_DETERMINISM_H
#define BJ_GUEST_DETERMINISM_H

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

/* X(name, type of its value, parameters, arguments): what libc_calls.c answers in the C library's place. */
#define GUEST_CALL_LIST(X)                                                                                     \
    X(clock_gettime, int, (clockid_t clock, struct timespec * ret_now), (clock, ret_now))                      \
    X(gettimeofday, int, (struct timeval *restrict ret_now, void *restrict zone), (ret_now, zone))             \
    X(time, time_t, (time_t * ret_now), (ret_now))                                                             \
    X(times, clock_t, (struct tms * ret_used), (ret_used))                                                     \
    X(clock_nanosleep, int,                                                                                    \
      (clockid_t clock, int flags, const struct timespec *until, struct timespec *ret_left),                   \
      (clock, flags, until, ret_left))                                                                         \
    X(nanosleep, int, (const struct timespec *length, struct timespec *ret_left), (length, ret_left))          \
    X(getrandom, ssize_t, (void *bytes, size_t length, unsigned flags), (bytes, length, flags))                \
    X(getentropy, int, (void *bytes, size_t length), (bytes, length))                                          \
    X(select, int,                                                                                             \
      (int count, fd_set *restrict readable, fd_set *restrict writable, fd_set *restrict exceptional,          \
       struct timeval *restrict timeout),                                                                      \
      (count, readable, writable, exceptional, timeout))                                                       \
    X(poll, int, (struct pollfd * fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))                \
    X(epoll_wait, int, (int epoll, struct epoll_event *events, int most, int timeout_ms),                      \
      (epoll, events, most, timeout_ms))                                                                       \
    X(sem_timedwait, int, (sem_t *restrict semaphore, const struct timespec *restrict deadline),               \
      (semaphore, deadline))                                                                                   \
    X(sem_clockwait, int,                                                                                      \
      (sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict deadline),                  \
      (semaphore, clock, deadline))                                                                            \
    X(pthread_cond_timedwait, int,                                                                             \
      (pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,                                    \
       const struct timespec *restrict deadline),                                                              \
      (condition, mutex, deadline))                                                                            \
    X(pthread_cond_clockwait, int,                                                                             \
      (pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,                   \
       const struct timespec *restrict deadline),                                                              \
      (condition, mutex, clock, deadline))

struct guest_calls {
#define X(name, type, parameters, arguments) type(*name) parameters;
    GUEST_CALL_LIST(X)
#undef X
};

/* libc_calls.c: the C library's own. */
const struct guest_calls *guest_libc(void);
/* From now on these answer, from whatever library of this process they are called. */
void guest_answer_calls(const struct guest_calls *calls);

/* fixed_clock.c: as long as that has happened since it began; each call takes a microsecond of its own. */
uint64_t guest_fixed_now_ns(clockid_t clock);
/* A sleep, or what a wait took that ended without anything: the clocks move on, but those of processor time. */
void guest_fixed_sleep(uint64_t length_ns);
/* The clocks are at their beginning again. */
void guest_fixed_clock_begin(int64_t start_s);
/* Its answers, put in their places. */
void guest_fixed_clock_calls(struct guest_calls *calls);

/* fixed_chance.c: the same for chance. */
void guest_fixed_chance_begin(uint64_t seed);
void guest_fixed_chance_calls(struct guest_calls *calls);

/* fixed_waits.c: waits of this process's threads for each other and for descriptors, whose deadlines are the fixed
 * clocks'. */
void guest_fixed_waits_calls(struct guest_calls *calls);

#endif
