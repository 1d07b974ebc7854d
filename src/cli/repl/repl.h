/* belljar-repl: somebody at a terminal, and a Python in a jail that keeps its variables.
 * Its own file because its parts share one struct.
 * Changes when: it keeps something more, or a part offers something more to the others. */
#ifndef BJ_REPL_H
#define BJ_REPL_H

#include "base/buf.h"
#include "cli/cli.h"

#define BRANCH     1u /* in which everything that is typed runs */
#define MAX_NAMED  256u
#define NAME_BYTES 64u

/* A snapshot that was asked for. */
struct named {
    char name[NAME_BYTES];
    unsigned snapshot;
};

/* The file of --session. */
struct keep {
    const char *path; /* NULL: there is none */
    int fd;
    bool cut; /* its last line has no end */
};

struct source;

struct repl {
    const struct options *options;
    struct bj_spec *first; /* with the variables and files that were given; NULL: there are none */
    struct bj_session *session;
    bool expressions; /* the policy knows no statements */
    bool terminal;
    unsigned checker; /* a branch in which nothing is ever run: it says whether input is whole */
    unsigned before;  /* snapshot of what the branch was before the snippet that comes; 0: before all of them */
    struct named named[MAX_NAMED];
    size_t named_count;
    struct keep keep;
    bool leaving;
    int status; /* then the exit status */
};

/* ---- source.c: lines, from a terminal or not ------------------------------------------------------- */

enum heard {
    HEARD_LINE,
    HEARD_INTERRUPT, /* Ctrl-C: what was typed is dropped */
    HEARD_END,       /* Ctrl-D, or the end of the file */
    HEARD_SIGNAL,    /* SIGTERM or SIGHUP */
    HEARD_OVER,      /* the session has ended meanwhile */
    HEARD_FAILED     /* errno says why */
};
/* session_fd: bj_session_fd. NULL: out of memory. */
struct source *bj__source_new(bool terminal, int session_fd);
void bj__source_free(struct source *source);
/* The line stays until the next one, and has no end of line. */
enum heard bj__source_line(struct source *source, const char *prompt, const char **ret_line);

/* ---- editor.c: the same of a terminal ----------------------------------------------------- */

struct editor;
struct editor *bj__editor_new(int session_fd);
void bj__editor_free(struct editor *editor);
enum heard bj__editor_line(struct editor *editor, const char *prompt, const char **ret_line);
/* history_file.c: where what was typed is kept; NULL: nowhere. free() it. Directories on the way are made. */
char *bj__history_path(void);

/* ---- ask.c: one snippet, until it is over ---------------------------------------------------------- */

enum ask {
    ASK_WHETHER_WHOLE, /* it is not run: the value is true or false */
    ASK_ALOUD,         /* output and input are the terminal's, or the script's output */
    ASK_QUIETLY
};
/* Ctrl-C reaches it. A result: it is over, however it ended. The caller frees it. */
int bj__ask(struct repl *repl, enum ask how, const char *source, struct bj_result **ret_result,
            struct bj_error *err);
/* repl->first, with nothing to run. */
int bj__ask_first(struct repl *repl, struct bj_result **ret_result, struct bj_error *err);

/* ---- state.c: the session, and what can be gone back to -------------------------------------------- */

int bj__state_open(struct repl *repl, struct bj_error *err);
void bj__state_close(struct repl *repl);
/* After each snippet: if it has ended its branch that is again what it was before, and *ret_lost is true. */
int bj__state_settle(struct repl *repl, bool *ret_lost, struct bj_error *err);
/* The checker again, should it have ended. */
int bj__state_renew_checker(struct repl *repl, struct bj_error *err);
int bj__state_snapshot(struct repl *repl, const char *name, struct bj_error *err);
int bj__state_restore(struct repl *repl, const char *name, struct bj_error *err);
int bj__state_reset(struct repl *repl, struct bj_error *err);
/* The session is over: why stands in err. */
bool bj__state_is_over(const struct bj_error *err);

/* ---- commands.c: what is typed behind a colon ------------------------------------------------------ */

int bj__command_do(struct repl *repl, const char *line, struct bj_error *err);
/* Does it change anything, so that it belongs into the session's file? */
bool bj__command_is_kept(const char *line);

/* ---- keep.c: what succeeded, in a file ------------------------------------------------------------- */

/* One JSON string a line. 1: the next one, free() it; 0: no more; -EINVAL: that line is none. *at moves behind the line. */
int bj__keep_next(const char **at, const char *end, char **ret_text);
/* The line of a text. */
int bj__keep_add_line(struct bj_buf *out, const char *text);
/* Opens the file, or makes it, for this process alone; what is in it already goes to *ret_content, which the caller frees. */
int bj__keep_open(const char *path, struct keep *ret_keep, struct bj_buf *ret_content, struct bj_error *err);
int bj__keep_write(struct keep *keep, const char *text, struct bj_error *err);
void bj__keep_close(struct keep *keep);

/* ---- loop.c: the exit status ------------------------------------------------------------------------ */

int bj__repl_loop(struct repl *repl);

#endif
