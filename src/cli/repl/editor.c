/* Lines that are edited at a terminal, with a history: libedit's work, outside of the jail.
 * Its own file because nothing else knows that library.
 * Changes when: lines are edited by something else, or another key does something. */
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/interrupt.h"
#include "cli/repl/repl.h"

#define HISTORY_LINES 1000

struct editor {
    EditLine *edit;
    History *history;
    char *history_path; /* NULL: it is kept nowhere */
    int session_fd;
    const char *prompt;
    char *line;
    enum heard heard; /* why no character could be had */
};

/* libedit changes neither of what it is given. */
static char *show_prompt(EditLine *edit)
{
    struct editor *editor = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &editor);
    return (char *)(uintptr_t)editor->prompt; /* NOLINT(performance-no-int-to-ptr): a cast, no number */
}

/* As in source.c: a signal is not slept through, and neither is the session's end. */
static bool wait_for_key(struct editor *editor)
{
    for (;;) {
        struct pollfd polls[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = editor->session_fd, .events = POLLIN}};
        bj__interrupt_poll(polls, BJ_COUNT(polls));
        int number = bj__interrupt_take();
        if (number || polls[1].revents) {
            editor->heard = number == SIGINT ? HEARD_INTERRUPT : number ? HEARD_SIGNAL : HEARD_OVER;
            return false;
        }
        if (polls[0].revents)
            return true;
    }
}

/* editline(3), EL_GETCFN: 1, 0 at the end, -1. Byte by byte: what is typed behind this line is somebody else's. */
static int read_key(EditLine *edit, wchar_t *ret_key)
{
    struct editor *editor = NULL;
    mbstate_t state = {0};
    (void)el_get(edit, EL_CLIENTDATA, &editor);
    for (;;) {
        char byte;
        if (!wait_for_key(editor))
            return -1;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0) /* of a terminal that is gone: EIO */
            return 0;
        size_t taken = mbrtowc(ret_key, &byte, 1, &state);
        if (taken == (size_t)-2)
            continue;
        if (taken == (size_t)-1)
            *ret_key = L'?'; /* what is no UTF-8 could not be run either */
        return 1;
    }
}

/* A file of the user's, which is not worth a failure: what cannot be read or written is not there. */
static void load_history(struct editor *editor)
{
    HistEvent event;
    editor->history_path = bj__history_path();
    (void)history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(editor->history, &event, H_SETUNIQUE, 1);
    if (editor->history_path)
        (void)history(editor->history, &event, H_LOAD, editor->history_path);
}

struct editor *bj__editor_new(int session_fd)
{
    struct editor *editor = calloc(1, sizeof(*editor));
    if (!editor)
        return NULL;
    editor->session_fd = session_fd;
    editor->prompt = "";
    editor->edit = el_init("belljar", stdin, stdout, stderr);
    editor->history = history_init();
    if (!editor->edit || !editor->history) {
        bj__editor_free(editor);
        return NULL;
    }
    load_history(editor);
    (void)el_set(editor->edit, EL_CLIENTDATA, editor);
    (void)el_set(editor->edit, EL_PROMPT, show_prompt);
    (void)el_set(editor->edit, EL_SIGNAL, 0); /* they are ours */
    (void)el_set(editor->edit, EL_GETCFN, read_key);
    (void)el_set(editor->edit, EL_HIST, history, editor->history);
    (void)el_set(editor->edit, EL_EDITOR, "emacs");
    (void)el_set(editor->edit, EL_BIND, "^I", "ed-insert", NULL); /* Python is indented */
    (void)el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_source(editor->edit, NULL); /* ~/.editrc; that there is none is no failure */
    return editor;
}

void bj__editor_free(struct editor *editor)
{
    HistEvent event;
    if (!editor)
        return;
    if (editor->history && editor->history_path)
        (void)history(editor->history, &event, H_SAVE, editor->history_path);
    if (editor->edit)
        el_end(editor->edit);
    if (editor->history)
        history_end(editor->history);
    free(editor->history_path);
    free(editor->line);
    free(editor);
}

static void remember(struct editor *editor)
{
    HistEvent event;
    if (editor->line[strspn(editor->line, " \t")])
        (void)history(editor->history, &event, H_ENTER, editor->line);
}

enum heard bj__editor_line(struct editor *editor, const char *prompt, const char **ret_line)
{
    int length = 0;
    editor->prompt = prompt;
    editor->heard = HEARD_END;
    const char *line = el_gets(editor->edit, &length);
    if (!line || length <= 0) {
        if (editor->heard != HEARD_LINE)
            (void)bj__write_all(STDOUT_FILENO, "\n",
                                1); /* the prompt's line is not finished; lost: nobody is there */
        return editor->heard;
    }
    free(editor->line);
    editor->line = strndup(line, strcspn(line, "\r\n"));
    if (!editor->line) {
        errno = ENOMEM;
        return HEARD_FAILED;
    }
    remember(editor);
    *ret_line = editor->line;
    return HEARD_LINE;
}
