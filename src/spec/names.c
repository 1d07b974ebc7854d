/* The words of a spec, and the nearest one to a word that is not among them.
 * Its own file because parser, setters and printer must use the same words.
 * Changes when: a field whose value is one of a few words is added. */
#include "spec/names.h"

#include "spec/spec.h"

#include <stdio.h>

#define MAX_WORD 40 /* longer words are compared by this much */

static const char *const layers[] = {
#define X(name, text, mode, optional) text,
    BJ_LAYER_LIST(X)
#undef X
};
static const char *const modes[] = {"off", "prefer", "require"};
static const char *const networks[] = {"none", "loopback", "host"};
static const char *const procs[] = {"none", "own"};
static const char *const output_actions[] = {"truncate", "kill"};
static const char *const mount_modes[] = {"ro", "rw"};
_Static_assert(BJ_OFF == 0 && BJ_REQUIRE == 2 && BJ_NETWORK_HOST == 2, "words stand in the order of the enums");

const struct bj_words bj__layer_words = {layers, BJ_COUNT(layers)};
const struct bj_words bj__mode_words = {modes, BJ_COUNT(modes)};
const struct bj_words bj__network_words = {networks, BJ_COUNT(networks)};
const struct bj_words bj__proc_words = {procs, BJ_COUNT(procs)};
const struct bj_words bj__output_action_words = {output_actions, BJ_COUNT(output_actions)};
const struct bj_words bj__mount_mode_words = {mount_modes, BJ_COUNT(mount_modes)};

static const char *word_at(const struct bj_words *words, size_t n)
{
    return n < words->count ? words->items[n] : "";
}

const char *bj__layer_name(enum bj_layer layer)
{
    return word_at(&bj__layer_words, layer);
}

const char *bj__mode_name(enum bj_mode mode)
{
    return word_at(&bj__mode_words, mode);
}

const char *bj__network_name(enum bj_network network)
{
    return word_at(&bj__network_words, network);
}

const char *bj__proc_name(enum bj_proc proc)
{
    return word_at(&bj__proc_words, proc);
}

const char *bj__output_action_name(enum bj_output_action action)
{
    return word_at(&bj__output_action_words, action);
}

const char *bj__mount_mode_name(enum bj_mount_mode mode)
{
    return word_at(&bj__mount_mode_words, mode);
}

void bj__words_join(const struct bj_words *words, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t n = 0; n < words->count && used < size; n++) {
        int length = snprintf(text + used, size - used, "%s%s", n ? ", " : "", words->items[n]);
        used += length > 0 ? (size_t)length : 0;
    }
}

/* Edit distance (Levenshtein), with one row. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[MAX_WORD + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < skip ? change : skip;
        }
    }
    return row[b_length];
}

const char *bj__nearest(const char *text, const char *const *items, size_t count)
{
    size_t length = strnlen(text, MAX_WORD);
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t n = 0; n < count; n++) {
        size_t item_length = strnlen(items[n], MAX_WORD);
        size_t d = distance(text, length, items[n], item_length);
        /* "memory" for "memory_bytes" is a likely slip and far by edits: a common start counts as near. */
        if (length >= 3 && length < item_length && memcmp(text, items[n], length) == 0)
            d = 1;
        if (d < best_distance) {
            best_distance = d;
            best = items[n];
        }
    }
    size_t near = length < 6 ? 1 : length / 3;
    return best && best_distance <= near ? best : NULL;
}

int bj__word_find(const struct bj_words *words, const char *field, const char *text, struct bj_error *err)
{
    for (size_t n = 0; n < words->count; n++)
        if (strcmp(text, words->items[n]) == 0)
            return (int)n;
    char list[256];
    bj__words_join(words, list, sizeof(list));
    const char *nearest = bj__nearest(text, words->items, words->count);
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, field, "\"%.40s\" is not known%s%s%s; there is %s", text,
                     nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "", list);
}
