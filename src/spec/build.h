/* How the arrays of a spec grow: every array has the capacity that follows from its count.
 * Its own file because parser, setters, tighten and copy fill specs and nobody else may.
 * Changes when: a spec gets another kind of array. */
#ifndef BJ_SPEC_BUILD_H
#define BJ_SPEC_BUILD_H

#include "spec/spec.h"

/* Address space that one spec reserves; pages are taken when touched. Room for the files and the stdin that a
 * spec may hold, and for the arguments and variables beside them. */
#define BJ_SPEC_ARENA ((size_t)512 << 20)

/* An arena and nothing in it; NULL when out of memory. */
struct bj_spec *bj__spec_new_empty(void);

/* Fills *ret_copy with a copy of text that lives in the arena; NULL stays NULL. */
int bj__copy_text(struct bj_arena *arena, const char *text, const char **ret_copy);

/* All of these: 0, -ENOMEM, or -E2BIG when the maximum of that array is reached. text is copied. */
int bj__strings_add(struct bj_arena *arena, struct bj_strings *strings, const char *text);
/* Makes an empty list a present one (items is not NULL). */
int bj__strings_present(struct bj_arena *arena, struct bj_strings *strings);
int bj__strings_copy(struct bj_arena *arena, const struct bj_strings *from, struct bj_strings *ret_to);
bool bj__strings_have(const struct bj_strings *strings, const char *text);
/* Sorts and drops duplicates. */
void bj__strings_sort(struct bj_strings *strings);

/* A zeroed slot at the end; NULL when out of memory. */
struct bj_file *bj__spec_new_file(struct bj_spec *spec);
struct bj_mount *bj__spec_new_mount(struct bj_spec *spec);
struct bj_link *bj__spec_new_link(struct bj_spec *spec);
/* Deep copies of one, appended to the spec. */
int bj__spec_append_file(struct bj_spec *spec, const struct bj_file *file);
int bj__spec_append_mount(struct bj_spec *spec, const struct bj_mount *mount);

/* Sets NAME=value; NULL takes the variable away. keep_removed leaves the bare NAME in the list, for a request. */
int bj__spec_set_variable(struct bj_spec *spec, const char *name, const char *value, bool keep_removed);

/* The text of such a failure, for a field. */
int bj__spec_build_error(int r, const char *field, size_t maximum, struct bj_error *err);

#endif
