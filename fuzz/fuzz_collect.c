/* Any names in a guest's directory, any patterns: exactly the plain files that a naive matcher selects are collected, and
 * they are written where they belong. Its own file because each fuzzer is one property.
 * Changes when: another kind of thing may be handed out. */
#include "box_tree.h"
#include "collected.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct choices choices = {.bytes = size ? bytes : (const uint8_t *)"", .size = size};
    struct box_tree tree;
    struct bj_result *result = calloc(1, sizeof(*result));
    char patterns[2][12];
    const char *items[3] = {NULL};
    struct bj_strings list = {items, 0};
    for (int i = 0; i < 2; i++) {
        random_name(&choices, patterns[i], sizeof(patterns[i]), "*ab?[.]-/!\\c^\xc3\xa4");
        if (is_judged(patterns[i]) && bj__spec_check_path("", patterns[i], NULL) == 0)
            items[list.count++] = patterns[i];
    }
    make_tree(&tree, &choices);
    bj__collect(result, tree.box_fd, &list);
    for (size_t i = 0; i < tree.count; i++)
        fuzz_must(is_collected(result, tree.paths[i]) ==
                      (is_plain(&tree, tree.paths[i]) && is_selected(&list, tree.paths[i])),
                  "a file that should not be collected, or one that should", tree.paths[i]);
    keep_collected(result);
    fuzz_must(bj__collect_write(result, tree.out_fd) == 0, "collected files could not be written", tree.root);
    for (size_t i = 0; i < result->file_count; i++)
        fuzz_must(is_plain(&tree, result->files[i].path) && holds_path(tree.out_fd, result->files[i].path),
                  "a file that nobody made, or with other bytes", result->files[i].path);
    fuzz_must(holds_nothing_else(&tree), "something was written outside", tree.root);
    bj_result_free(result);
    remove_tree(&tree);
    return 0;
}
