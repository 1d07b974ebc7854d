/* A plan in two parts is still the whole plan: nothing is left out, and what is given up is given up in its order.
 * Its own file because a wall that is forgotten in a fork would be seen by no test of the whole plan.
 * Changes when: a fork may share something more with its zygote. */
#include "base/wire.h"
#include "plan/kernel_flags.h"
#include "plan/plan_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "../support/made_up_host.h"

enum { ROOT = 1, PROC = 2, LOOPBACK = 4, DETERMINISTIC = 8, KINDS = 16 };

static struct bj_warm *make_warm(const char *profile, int kind)
{
    struct bj_spec *spec = NULL;
    struct bj_plan *whole = NULL;
    struct bj_warm *warm = NULL;
    struct bj_error err = {0};
    enum bj_source_kind kinds[BJ_MAX_MOUNTS];
    for (size_t i = 0; i < BJ_MAX_MOUNTS; i++)
        kinds[i] = BJ_SOURCE_DIRECTORY;
    const struct bj_sources sources = {.mounts = kinds, .guest = "/guest"};
    const struct bj_host host = kind & ROOT ? modern_root() : modern_user();
    assert_int_equal(bj_spec_from_profile(profile, &spec, &err), 0);
    assert_int_equal(bj_spec_set_code(spec, "1", &err), 0);
    static const char *const modules[] = {"json", "xml.etree", NULL};
    assert_int_equal(bj_spec_set_preload(spec, modules, &err), 0);
    if (kind & DETERMINISTIC)
        assert_int_equal(bj_spec_set_deterministic(spec, 7, NULL, &err), 0);
    spec->layers[BJ_LAYER_APPARMOR] = BJ_OFF;
    spec->proc = kind & PROC ? BJ_PROC_OWN : BJ_PROC_NONE;
    spec->network = kind & LOOPBACK ? BJ_NETWORK_LOOPBACK : BJ_NETWORK_NONE;
    if (bj__plan_build(spec, &host, &sources, &whole, &err) < 0 ||
        bj__warm_split(whole, &spec->preload, &warm, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    return warm;
}

static bool has_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same program, but that in front of it a call is handed to the listener that it allows. */
static bool is_told_besides(const struct bj_op *own, const struct bj_op *op)
{
    size_t whole = op->value * sizeof(struct sock_filter);
    return op->code == BJ_OP_SECCOMP && own->code == op->code && own->value > op->value &&
           own->value2 == op->value2 && own->text2 == op->text2 &&
           memcmp(own->text + (own->value - op->value) * sizeof(struct sock_filter), op->text, whole) == 0;
}

/* The same operation, whatever its flags. */
static bool has(const struct bj_plan *plan, const struct bj_op *op)
{
    for (uint32_t i = 0; i < plan->op_count; i++) {
        const struct bj_op *own = &plan->ops[i];
        if (is_told_besides(own, op))
            return true;
        if (own->code == op->code && own->slot == op->slot && has_text(own->text2, op->text2) &&
            own->value2 == op->value2 && own->value == op->value &&
            (has_text(own->text, op->text) || (own->text && strncmp(own->text, "dev/shm/", 8) == 0)))
            return true;
    }
    return false;
}

static uint32_t place_of(const struct bj_plan *plan, uint16_t code)
{
    uint32_t i = 0;
    while (i < plan->op_count && plan->ops[i].code != code)
        i++;
    return i;
}

static void check_nothing_is_left_out(const struct bj_warm *warm)
{
    for (uint32_t i = 0; i < warm->whole->op_count; i++) {
        const struct bj_op *op = &warm->whole->ops[i];
        if (op->code == BJ_OP_EXEC || op->code == BJ_OP_JOIN_CGROUP)
            continue;
        if (!has(&warm->zygote, op) && !has(&warm->fork, op))
            fail_msg("operation %u, %s %s, is done by nobody", i, bj_op_name(op->code),
                     op->text ? op->text : "");
    }
    if (warm->whole->cgroup)
        assert_true(place_of(&warm->fork, BJ_OP_JOIN_CGROUP) < warm->fork.op_count);
}

/* From SHED on: all of it, in its order, but that signals were reset by the zygote and there is no exec. */
static void check_the_order_of_giving_up(const struct bj_warm *warm)
{
    const struct bj_plan *whole = warm->whole;
    const struct bj_plan *fork = &warm->fork;
    uint32_t at = 0;
    while (bj__op_phase(fork->ops[at].code) <= BJ_PHASE_ROOT)
        at++;
    for (uint32_t i = 0; i < whole->op_count; i++) {
        uint16_t code = whole->ops[i].code;
        if (bj__op_phase(code) <= BJ_PHASE_ROOT || code == BJ_OP_SIGNALS)
            continue;
        if (i == whole->program.payload_first)
            assert_int_equal(at, fork->program.payload_first);
        assert_int_equal(fork->ops[at++].code, code == BJ_OP_EXEC ? BJ_OP_RESUME : code);
    }
    assert_int_equal(at, fork->op_count);
}

static void check_who_shares_what(const struct bj_warm *warm, const char *profile, int kind)
{
    bool own_network =
        kind & LOOPBACK || strcmp(profile, "python-packages") == 0; /* it has sockets with names */
    const uint64_t own = BJ_CLONE_NEWPID | BJ_CLONE_NEWIPC;
    assert_int_equal(warm->zygote.clone_flags & own, 0);
    assert_int_equal(warm->fork.clone_flags & (own | BJ_CLONE_NEWNS), own | BJ_CLONE_NEWNS);
    assert_int_equal(warm->zygote.clone_flags | warm->fork.clone_flags | BJ_CLONE_NEWCGROUP,
                     warm->whole->clone_flags);
    assert_int_equal(!(warm->fork.clone_flags & BJ_CLONE_NEWNET), !own_network);
    assert_int_equal(place_of(&warm->fork, BJ_OP_PROC) < warm->fork.op_count, !!(kind & PROC));
    assert_int_equal(place_of(&warm->zygote, BJ_OP_PROC), warm->zygote.op_count);
    uint32_t fixed = place_of(&warm->zygote, BJ_OP_FIXED_ADDRESSES); /* its exec is the only one */
    assert_int_equal(fixed < warm->zygote.op_count, !!(kind & DETERMINISTIC));
    assert_true(fixed == warm->zygote.op_count || fixed > place_of(&warm->zygote, BJ_OP_INHERITED));
    assert_int_equal(!warm->zygote.program.argv[1], !(kind & DETERMINISTIC));
    uint32_t ids = place_of(&warm->fork, BJ_OP_IDS);
    assert_int_equal(ids < warm->fork.op_count, !!(kind & ROOT));
    if (kind & ROOT) /* 1000 would be one id for all of them */
        assert_true(warm->fork.ops[ids].flags & BJ_OPF_RUN_IDS);
    for (uint32_t i = 0; i < warm->fork.op_count; i++)
        if (warm->fork.ops[i].code == BJ_OP_CHOWN)
            assert_int_equal(!(warm->fork.ops[i].flags & BJ_OPF_RUN_IDS), !(kind & ROOT));
    assert_int_equal(warm->zygote.ops[warm->zygote.op_count - 1].code, BJ_OP_EXEC);
    assert_int_equal(warm->zygote.ops[warm->zygote.op_count - 2].code, BJ_OP_HAND_OVER);
    assert_int_equal(warm->zygote.ops[warm->zygote.op_count - 3].code, BJ_OP_BOUNDING);
    assert_int_equal(warm->zygote.ops[warm->zygote.op_count - 4].code, BJ_OP_KEEP);
}

/* Where the scratch files are attached they are in reach under other names, until the last of their parts is bound there. */
static void check_scratch_is_covered(const struct bj_plan *fork)
{
    uint32_t attached = place_of(fork, BJ_OP_ATTACH);
    uint32_t last = attached;
    for (uint32_t i = attached; i < fork->op_count; i++)
        last = fork->ops[i].code == BJ_OP_BIND ? i : last;
    assert_string_equal(fork->ops[last].text2, fork->ops[attached].text);
}

static void two_parts_are_the_whole(void **state)
{
    (void)state;
    static const char *const profiles[] = {"default", "python", "python-packages", "sh", "c"};
    for (size_t i = 0; i < BJ_COUNT(profiles); i++)
        for (int kind = 0; kind < KINDS; kind++) {
            struct bj_warm *warm = make_warm(profiles[i], kind);
            check_nothing_is_left_out(warm);
            check_the_order_of_giving_up(warm);
            check_who_shares_what(warm, profiles[i], kind);
            check_scratch_is_covered(&warm->fork);
            bj__warm_free(warm);
        }
}

/* What the zygote reads is what was planned. */
static void the_wire_carries_every_byte(void **state)
{
    (void)state;
    struct bj_warm *warm = make_warm("python", ROOT | PROC);
    const struct bj_wire_head *head = (const void *)warm->wire.bytes;
    const struct bj_op *ops = (const void *)(head + 1);
    const char *bytes = (const char *)warm->wire.bytes;
    assert_int_equal(head->magic, BJ_WIRE_MAGIC);
    assert_int_equal(head->length, warm->wire.length);
    assert_int_equal(head->op_count, warm->fork.op_count);
    assert_int_equal(head->payload_first, warm->fork.program.payload_first);
    for (uint32_t i = 0; i < head->op_count; i++) {
        const struct bj_op *op = &warm->fork.ops[i];
        bool filter = op->code == BJ_OP_SECCOMP || op->code == BJ_OP_BACKSTOP;
        assert_int_equal(ops[i].code, op->code);
        assert_int_equal(ops[i].flags, op->flags);
        assert_int_equal(ops[i].slot, op->slot);
        assert_int_equal(ops[i].value, op->value);
        assert_int_equal(ops[i].value2, op->value2);
        assert_int_equal(!ops[i].text, !op->text);
        assert_int_equal(!ops[i].text2, !op->text2);
        if (op->text)
            assert_memory_equal(bytes + (uintptr_t)ops[i].text, op->text,
                                filter ? op->value * sizeof(struct sock_filter) : strlen(op->text) + 1);
        if (op->text2)
            assert_memory_equal(bytes + (uintptr_t)ops[i].text2, op->text2,
                                filter ? op->value2 * sizeof(struct sock_filter) : strlen(op->text2) + 1);
    }
    assert_memory_equal(bytes + head->modules_offset, "json\0xml.etree\0", sizeof("json\0xml.etree\0"));
    bj__warm_free(warm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_parts_are_the_whole),
        cmocka_unit_test(the_wire_carries_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
