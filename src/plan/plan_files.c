/* Files handed in: data as the guest's own, programs where the guest can run but not change them.
 * Its own file because the difference between the two is a wall (writable xor executable).
 * Changes when: files are handed in in another way. */
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#define PROGRAM_DIRECTORY "/.belljar" /* reserved: no mount can be below it (spec_check.c) */

static bool is_program(const struct bj_build *build, const struct bj_source_entry *entry)
{
    return entry->executable && !build->spec->scratch_executable;
}

static const void *copy_bytes(struct bj_build *build, const struct bj_source_entry *entry)
{
    const void *copy = bj__arena_copy(&build->plan->arena, entry->bytes, entry->length);
    if (!copy)
        build->full = true;
    return copy;
}

/* The bytes stand in the read-only part of the root; a bind of the file is put over an empty file in /box. */
static void add_program(struct bj_build *build, const struct bj_source_entry *entry)
{
    bj__plan_make_directory(build, PROGRAM_DIRECTORY, 0711);
    char *inside = bj__plan_format(build, "%s/%zu", &PROGRAM_DIRECTORY[1], build->programs++);
    struct bj_op *op = bj__plan_add(build, BJ_OP_PROGRAM, inside);
    op->text2 = copy_bytes(build, entry);
    op->value = entry->length;
    op->value2 = 0555;
    char *place = bj__plan_format(build, "box/%s", entry->path);
    bj__plan_add(build, BJ_OP_TOUCH, place)->value = 0555;
    op = bj__plan_add(build, BJ_OP_BIND, inside);
    op->text2 = place;
    op->value = BJ_MOUNT_ATTR_RDONLY | BJ_MOUNT_ATTR_NOSUID | BJ_MOUNT_ATTR_NODEV;
    build->inodes += 2;
    build->bytes += (entry->length + 4095) & ~(uint64_t)4095;
}

/* The directories that lead to a program are made with it, and given to the guest like its own. */
static void add_program_parent(struct bj_build *build, const struct bj_source_entry *entry)
{
    char *place = bj__plan_format(build, "box/%s", entry->path);
    bj__plan_add(build, BJ_OP_MKDIR, place)->value = 0755;
    struct bj_op *op = bj__plan_add(build, BJ_OP_CHOWN, place);
    op->value = BJ_GUEST_ID;
    op->flags = build->plan->user_namespace ? 0 : BJ_OPF_RUN_IDS;
    build->inodes++;
}

static bool leads_to_program(const struct bj_build *build, const struct bj_source_entry *directory)
{
    size_t length = strlen(directory->path);
    for (size_t i = 0; i < build->sources->entry_count; i++) {
        const struct bj_source_entry *entry = &build->sources->entries[i];
        if (is_program(build, entry) && strncmp(entry->path, directory->path, length) == 0 &&
            entry->path[length] == '/')
            return true;
    }
    return false;
}

void bj__plan_programs(struct bj_build *build)
{
    for (size_t i = 0; i < build->sources->entry_count; i++) {
        const struct bj_source_entry *entry = &build->sources->entries[i];
        if (entry->directory && leads_to_program(build, entry))
            add_program_parent(build, entry);
        else if (!entry->directory && is_program(build, entry))
            add_program(build, entry);
    }
}

void bj__plan_files(struct bj_build *build)
{
    for (size_t i = 0; i < build->sources->entry_count; i++) {
        const struct bj_source_entry *entry = &build->sources->entries[i];
        if (is_program(build, entry) || (entry->directory && leads_to_program(build, entry)))
            continue;
        char *path = bj__plan_format(build, "/box/%s", entry->path);
        struct bj_op *op = bj__plan_add(build, entry->directory ? BJ_OP_GUEST_DIR : BJ_OP_GUEST_FILE, path);
        if (entry->directory) {
            op->value = 0755;
        } else {
            op->text2 = copy_bytes(build, entry);
            op->value = entry->length;
            op->value2 = entry->executable ? 0755 : 0644;
        }
    }
    bj__plan_add(build, BJ_OP_CHDIR, bj__plan_copy(build, build->spec->directory));
}
