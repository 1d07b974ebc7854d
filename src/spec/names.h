/* The words of a spec: names of layers, modes and the like, and the nearest known word to a misspelt one.
 * Its own file because parser, setters and printer must use the same words.
 * Changes when: a field whose value is one of a few words is added. */
#ifndef BJ_SPEC_NAMES_H
#define BJ_SPEC_NAMES_H

#include "base/base.h"

/* A closed list of words; the position in it is the value. */
struct bj_words {
    const char *const *items;
    size_t count;
};

extern const struct bj_words bj__layer_words, bj__mode_words, bj__network_words, bj__proc_words;
extern const struct bj_words bj__output_action_words, bj__mount_mode_words;

/* Position, or -EINVAL with the value, the nearest word and the whole list in the message. */
int bj__word_find(const struct bj_words *words, const char *field, const char *text, struct bj_error *err);
/* The nearest item, or NULL when none is near enough to be what was meant. */
const char *bj__nearest(const char *text, const char *const *items, size_t count);
/* "a, b, c", cut to fit. */
void bj__words_join(const struct bj_words *words, char *text, size_t size);

#endif
