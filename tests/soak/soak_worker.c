/* A long-lived program that runs jails: several at a time through the library, or one after another by the command.
 * Its own file because what a library loses in each run shows only in a process that lives as long as a server.
 * Changes when: the public header does.
 *
 * usage: soak_worker kinds | library GUESTS SLOTS SABOTAGE | command GUESTS BELLJAR SABOTAGE
 * stdin is a pipe that all workers share: a letter of kinds.h for each run to make; its end is the end of the
 * worker. stdout: for each run its letter, a blank, and "ok" or what was wrong. */
#include "kinds.h"

#include <belljar.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS      (sizeof(soak_kinds) / sizeof(soak_kinds[0]))
#define SLOTS_MOST 64
#define WORDS_MOST 40
#define SABOTAGES  100 /* runs between two acts of sabotage */

struct worker {
    const char *guests, *belljar, *sabotage;
    long done;
    const char *seen[KINDS]; /* which of the two statuses this host gives */
};

struct slot {
    struct bj_run *run;
    struct bj_plan *plan;
    const struct soak_kind *kind;
};

/* What a result says, however it was got. */
struct outcome {
    const char *status;
    const char *output;
    size_t length;
    bool collected;
};

static void give_up(const char *text)
{
    (void)fprintf(stderr, "soak_worker: %s: %s\n", text, strerror(errno));
    exit(2);
}

static void lose(size_t size)
{
    volatile char *memory = malloc(size); /* volatile: a compiler leaves out what nobody reads */
    for (size_t i = 0; memory && i < size; i += 4096)
        memory[i] = 1;
}

/* Deliberate leaks: the soak must turn red by each of them. */
static void sabotage(const struct worker *worker)
{
    if (strstr(worker->sabotage, "leak-fd"))
        (void)open("/dev/null", O_RDONLY);
    if (strstr(worker->sabotage, "leak-memory"))
        lose(MIB);
    if (strstr(worker->sabotage, "leak-process") && fork() == 0)
        for (;;)
            (void)pause();
    if (strstr(worker->sabotage, "leak-cgroup")) {
        char path[512];
        const char *group = getenv("SOAK_GROUP");
        (void)snprintf(path, sizeof(path), "%s/belljar-%ld-leak-%ld", group ? group : "", (long)getpid(),
                       worker->done);
        (void)mkdir(path, 0755);
    }
}

__attribute__((format(printf, 3, 4))) static void report(struct worker *worker, const struct soak_kind *kind,
                                                         const char *format, ...)
{
    char line[700];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line + 2, sizeof(line) - 3, format, list);
    va_end(list);
    line[0] = kind->letter;
    line[1] = ' ';
    size_t used = 2 + (length < (int)sizeof(line) - 4 ? (size_t)length : sizeof(line) - 4);
    line[used++] = '\n';
    if (write(STDOUT_FILENO, line, used) != (ssize_t)used) /* less than PIPE_BUF: whole or not at all */
        give_up("writing a report");
    if (++worker->done % SABOTAGES == 0)
        sabotage(worker);
}

static void judge(struct worker *worker, const struct soak_kind *kind, const struct outcome *outcome)
{
    const char **seen = &worker->seen[kind - soak_kinds];
    if (!*seen && kind->instead && strcmp(outcome->status, kind->instead) == 0)
        *seen = kind->instead;
    if (!*seen)
        *seen = kind->status;
    const char *wanted = strstr(worker->sabotage, "lie") && kind->letter == 'f' ? "exit" : *seen;
    size_t length = kind->output ? strlen(kind->output) : 0;
    if (strcmp(outcome->status, wanted) != 0)
        report(worker, kind, "%s: status %s instead of %s; its output: %.200s", kind->name, outcome->status,
               wanted, outcome->output ? outcome->output : "");
    else if (outcome->output && kind->output &&
             (outcome->length < length || memcmp(outcome->output, kind->output, length) != 0))
        report(worker, kind, "%s: its output is %.*s", kind->name,
               (int)(outcome->length < 200 ? outcome->length : 200), outcome->output);
    else if (kind->collect && !outcome->collected)
        report(worker, kind, "%s: %s did not come out", kind->name, kind->collect);
    else
        report(worker, kind, "ok");
}

static const struct soak_kind *find_kind(char letter)
{
    for (size_t i = 0; i < KINDS; i++)
        if (soak_kinds[i].letter == letter)
            return &soak_kinds[i];
    give_up("an unknown letter");
    return NULL;
}

static const char *profile_of(const struct soak_kind *kind)
{
    return kind->profile ? kind->profile : "default";
}

/* ---- through the library: as a server does, everything is made anew for each run */

static struct bj_plan *make_plan(const struct worker *worker, const struct soak_kind *kind,
                                 struct bj_error *err)
{
    struct bj_spec *spec = NULL;
    struct bj_plan *plan = NULL;
    static const char note[] = "a file for the guest\n";
    int r = bj_spec_from_profile(profile_of(kind), &spec, err);
    r = r < 0 ? r : bj_spec_set_command(spec, kind->command, err);
    r = r < 0 ? r : bj_spec_add_mount(spec, worker->guests, "/soak", "ro,executable", err);
    for (const struct soak_limit *limit = kind->limits; r >= 0 && limit->field; limit++) {
        r = bj_spec_set_limit(spec, limit->field, limit->value, err);
        if (r >= 0 && strcmp(limit->field, "output_bytes") == 0)
            r = bj_spec_set_output_action(spec, "kill", err);
    }
    if (r >= 0 && kind->collect) {
        r = bj_spec_add_collect(spec, kind->collect, err);
        r = r < 0 ? r : bj_spec_add_file_bytes(spec, "note.txt", note, sizeof(note) - 1, 0, err);
    }
    if (r >= 0)
        (void)bj_plan_new(spec, &plan, err);
    bj_spec_free(spec);
    return plan;
}

static void empty(struct slot *slot)
{
    bj_run_free(slot->run);
    bj_plan_free(slot->plan);
    *slot = (struct slot){0};
}

static void fill(struct worker *worker, struct slot *slot, char letter)
{
    struct bj_error err = {0};
    slot->kind = find_kind(letter);
    slot->plan = make_plan(worker, slot->kind, &err);
    if (slot->plan && bj_run_start(slot->plan, &slot->run, &err) == 0)
        return;
    report(worker, slot->kind, "not started: %s: %s (%d)", err.field, err.message, err.err);
    empty(slot);
}

static void finish(struct worker *worker, struct slot *slot)
{
    struct bj_error err = {0};
    struct bj_result *result = NULL;
    struct outcome outcome = {0};
    if (bj_run_result(slot->run, &result, &err) < 0) {
        report(worker, slot->kind, "no result: %s", err.message);
    } else {
        char *json = bj_result_json(result);
        outcome.status = json ? bj_status_name(bj_result_status(result)) : "no JSON";
        outcome.output = bj_result_output(result, BJ_STDOUT, &outcome.length);
        outcome.collected = bj_result_file_count(result) == 1;
        judge(worker, slot->kind, &outcome);
        free(json);
    }
    bj_result_free(result);
    empty(slot);
}

static void step(struct worker *worker, struct slot *slot)
{
    struct bj_error err = {0};
    int r = bj_run_step(slot->run, 0, &err);
    if (r > 0)
        finish(worker, slot);
    if (r >= 0)
        return;
    report(worker, slot->kind, "step: %s: %s", err.field, err.message);
    empty(slot);
}

/* 1: a letter; 0: none now; -1: there will be none. */
static int next_letter(char *ret_letter)
{
    ssize_t n = read(STDIN_FILENO, ret_letter, 1);
    if (n == 1)
        return 1;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) /* another worker was faster */
        return 0;
    return -1;
}

/* What to poll of the slots in use, and a slot that is not, or NULL. */
static nfds_t look_at(struct slot *slots, size_t slot_count, struct pollfd *polled, struct slot **of,
                      struct slot **ret_vacant)
{
    nfds_t count = 0;
    *ret_vacant = NULL;
    for (size_t i = 0; i < slot_count; i++) {
        if (slots[i].run) {
            of[count] = &slots[i];
            polled[count++] = (struct pollfd){.fd = bj_run_fd(slots[i].run), .events = POLLIN};
        } else {
            *ret_vacant = &slots[i];
        }
    }
    return count;
}

static void run_by_library(struct worker *worker, size_t slot_count)
{
    struct slot slots[SLOTS_MOST] = {{0}};
    bool open = true;
    for (;;) {
        struct pollfd polled[SLOTS_MOST + 1];
        struct slot *of[SLOTS_MOST];
        struct slot *vacant;
        nfds_t count = look_at(slots, slot_count, polled, of, &vacant);
        if (count == 0 && !open)
            return;
        if (count == 0)
            (void)malloc_trim(0); /* what the allocator keeps for later is not lost, and would hide what is */
        polled[count] = (struct pollfd){.fd = vacant && open ? STDIN_FILENO : -1, .events = POLLIN};
        if (poll(polled, count + 1, -1) < 0 && errno != EINTR)
            give_up("poll");
        for (nfds_t i = 0; i < count; i++)
            if (polled[i].revents)
                step(worker, of[i]);
        char letter;
        int r = polled[count].revents ? next_letter(&letter) : 0;
        open = open && r >= 0;
        if (r > 0 && vacant)
            fill(worker, vacant, letter);
    }
}

/* ---- by the command */

struct words {
    const char *word[WORDS_MOST];
    char room[WORDS_MOST][32];
    int count;
};

static void add(struct words *words, const char *word)
{
    words->word[words->count++] = word;
}

static void add_limit(struct words *words, const struct soak_limit *limit)
{
    static const char *const options[][2] = {{"wall_us", "-w"},      {"cpu_us", "-t"},
                                             {"memory_bytes", "-m"}, {"processes", "-p"},
                                             {"disk_bytes", "-d"},   {"output_bytes", "--output-limit"}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(limit->field, options[i][0]) != 0)
            continue;
        add(words, options[i][1]);
        char *text = words->room[words->count];
        if (strstr(limit->field, "_us"))
            (void)snprintf(text, 32, "%" PRIu64 ".%06" PRIu64, limit->value / 1000000, limit->value % 1000000);
        else
            (void)snprintf(text, 32, "%" PRIu64, limit->value);
        add(words, text);
        if (strcmp(limit->field, "output_bytes") == 0) {
            add(words, "--output-action");
            add(words, "kill");
        }
    }
}

static void make_words(const struct worker *worker, const struct soak_kind *kind, struct words *words)
{
    const char *const first[] = {worker->belljar,  "run",       "--json",       "-P",
                                 profile_of(kind), "--ro-bind", worker->guests, "/soak"};
    words->count = 0;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        add(words, first[i]);
    for (const struct soak_limit *limit = kind->limits; limit->field; limit++)
        add_limit(words, limit);
    if (kind->collect) {
        add(words, "--collect");
        add(words, kind->collect);
    }
    add(words, "--");
    for (const char *const *word = kind->command; *word; word++)
        add(words, *word);
    words->word[words->count] = NULL;
}

/* Starts the command; the reading end of its stdout, or -1. */
static int spawn(const struct words *words, pid_t *ret_pid)
{
    extern char **environ;
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) < 0 || posix_spawn_file_actions_init(&actions) != 0)
        give_up("pipe");
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    char *argv[WORDS_MOST];
    memcpy(argv, words->word, sizeof(argv)); /* posix_spawn wants char * and changes nothing */
    int r = posix_spawn(ret_pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (r == 0)
        return ends[0];
    (void)close(ends[0]);
    return -1;
}

/* `"NAME": "` and what follows up to the next quote, as text; "" when it is not there. */
static void find_text(const char *json, const char *name, char *text, size_t size)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = strstr(json, key);
    at = at ? at + strlen(key) : "";
    at += strspn(at, " \"");
    (void)snprintf(text, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void run_command_once(struct worker *worker, const struct soak_kind *kind)
{
    static char json[1 << 20];
    struct words words;
    char status[32];
    pid_t pid = -1;
    size_t length = 0;
    ssize_t n = 0;
    make_words(worker, kind, &words);
    int fd = spawn(&words, &pid);
    if (fd < 0) {
        report(worker, kind, "the command was not started");
        return;
    }
    while ((n = read(fd, json + length, sizeof(json) - 1 - length)) > 0 || (n < 0 && errno == EINTR))
        length += n > 0 ? (size_t)n : 0;
    json[length] = 0;
    (void)close(fd);
    int ended = -1;
    if (waitpid(pid, &ended, 0) != pid || !WIFEXITED(ended))
        report(worker, kind, "the command did not exit by itself: %x", (unsigned)ended);
    else {
        find_text(json, "status", status, sizeof(status));
        struct outcome outcome = {.status = status, .collected = strstr(json, "\"plain.txt\"") != NULL};
        judge(worker, kind, &outcome);
    }
}

static void run_by_command(struct worker *worker)
{
    char letter;
    for (;;) {
        struct pollfd queue = {.fd = STDIN_FILENO, .events = POLLIN};
        (void)poll(&queue, 1, -1);
        int r = next_letter(&letter);
        if (r < 0)
            return;
        if (r > 0)
            run_command_once(worker, find_kind(letter));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
        for (size_t i = 0; i < KINDS; i++)
            (void)printf("%c\t%d\t%s\t%s\n", soak_kinds[i].letter, soak_kinds[i].share, soak_kinds[i].name,
                         soak_kinds[i].status);
        return 0;
    }
    if (argc != 5) {
        (void)fputs(
            "usage: soak_worker kinds | library GUESTS SLOTS SABOTAGE | command GUESTS BELLJAR SABOTAGE\n",
            stderr);
        return 64;
    }
    struct worker worker = {.guests = argv[2], .belljar = argv[3], .sabotage = argv[4]};
    long slots = strtol(argv[3], NULL, 10);
    if (strcmp(argv[1], "command") == 0)
        run_by_command(&worker);
    else
        run_by_library(&worker, slots < 1 ? 1 : slots > SLOTS_MOST ? SLOTS_MOST : (size_t)slots);
    return 0;
}
