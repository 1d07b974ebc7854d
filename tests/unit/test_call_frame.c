/* Calls of the host's functions as a hostile guest writes them: one row for each way to lie.
 * Changes when: base/reply.h does. */
#include "supervise/call_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 64u

static const char *listed[] = {"lookup", "add", NULL};
static const struct bj_strings names = {listed, 2};
static const struct bj_call_rules rules = {.names = &names, .number = 1, .max_bytes = MOST};

struct call {
    struct bj_call_head head;
    const char *body;
    size_t length;
};
#define HEAD(name, arguments, keywords)                                                                        \
    {                                                                                                          \
        BJ_CALL_MAGIC, 1, sizeof(name) - 1, sizeof(arguments) - 1, sizeof(keywords) - 1                        \
    }
#define CALL(name, arguments, keywords)                                                                        \
    {                                                                                                          \
        HEAD(name, arguments, keywords), name "\0" arguments "\0" keywords,                                    \
            sizeof(name) + sizeof(arguments) + sizeof(keywords)                                                \
    }

/* In front of a page that cannot be read: one byte too many ends the test. */
static unsigned char *edge(size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED && length <= page);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    return pages + page - length;
}

static void leave_edge(unsigned char *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(munmap(bytes + length - page, 2 * page), 0);
}

/* In pieces of that many bytes, as far as it wants them. */
static enum bj_call_outcome feed(struct bj_call_frame *frame, const void *bytes, size_t length, size_t piece)
{
    enum bj_call_outcome outcome = BJ_CALL_MORE;
    for (size_t at = 0; outcome == BJ_CALL_MORE && at < length;) {
        size_t wants = bj__call_frame_wants(frame);
        assert_true(wants > 0 && wants <= sizeof(frame->head) + BJ_MAX_CALL_NAME + MOST + 3);
        size_t n = piece < wants ? piece : wants;
        n = n < length - at ? n : length - at;
        unsigned char *end = edge(n);
        memcpy(end, (const char *)bytes + at, n);
        assert_int_equal(bj__call_frame_add(frame, &rules, end, n, &outcome), 0);
        leave_edge(end, n);
        at += n;
    }
    return outcome;
}

static enum bj_call_outcome try(const struct call *call, size_t piece)
{
    struct bj_call_frame frame;
    unsigned char bytes[512];
    assert_true(sizeof(call->head) + call->length <= sizeof(bytes));
    memcpy(bytes, &call->head, sizeof(call->head));
    memcpy(bytes + sizeof(call->head), call->body, call->length);
    bj__call_frame_init(&frame);
    enum bj_call_outcome outcome = feed(&frame, bytes, sizeof(call->head) + call->length, piece);
    bj__call_frame_done(&frame);
    return outcome;
}

static void a_call_is_taken_in_any_pieces(void **state)
{
    (void)state;
    static const struct call good[] = {CALL("lookup", "[]", "{}"),
                                       CALL("add", "[1, [2, NaN]]", "{\"a\": null}")};
    for (size_t i = 0; i < BJ_COUNT(good); i++)
        for (size_t piece = 1; piece < 64; piece++)
            assert_int_equal(try(&good[i], piece), BJ_CALL_WHOLE);
}

static void its_texts_are_what_was_sent(void **state)
{
    (void)state;
    static const struct call call = CALL("add", "[1, 2]", "{\"scale\": 3}");
    struct bj_call_frame frame;
    bj__call_frame_init(&frame);
    assert_int_equal(feed(&frame, &call.head, sizeof(call.head), SIZE_MAX), BJ_CALL_MORE);
    assert_int_equal(feed(&frame, call.body, call.length, SIZE_MAX), BJ_CALL_WHOLE);
    assert_string_equal(bj__call_frame_name(&frame), "add");
    assert_string_equal(bj__call_frame_arguments(&frame), "[1, 2]");
    assert_string_equal(bj__call_frame_keywords(&frame), "{\"scale\": 3}");
    bj__call_frame_reset(&frame);
    assert_int_equal(bj__call_frame_wants(&frame), sizeof(frame.head));
    bj__call_frame_done(&frame);
}

static void what_lies_is_no_call(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        struct call call;
    } bad[] = {
        {"garbage", {{0x41414141, 0x41414141, 1, 1, 1}, "", 0}},
        {"a reply", {{BJ_REPLY_MAGIC, BJ_REPLY_END, 0, 0, 0}, "", 0}},
        {"number 0", {{BJ_CALL_MAGIC, 0, 6, 2, 2}, "", 0}},
        {"a number too early", {{BJ_CALL_MAGIC, 2, 6, 2, 2}, "", 0}},
        {"no name", CALL("", "[]", "{}")},
        {"a name that is not given", CALL("secret", "[]", "{}")},
        {"the beginning of a name", CALL("look", "[]", "{}")},
        {"more than a name", CALL("lookup2", "[]", "{}")},
        {"a name with a zero in it", CALL("add\0dd", "[]", "{}")},
        {"a name that is too long", {{BJ_CALL_MAGIC, 1, BJ_MAX_CALL_NAME + 1, 2, 2}, "", 0}},
        {"arguments that are too long", {{BJ_CALL_MAGIC, 1, 6, MOST + 1, 2}, "", 0}},
        {"keywords that are too long", {{BJ_CALL_MAGIC, 1, 6, 2, MOST + 1}, "", 0}},
        {"both together", {{BJ_CALL_MAGIC, 1, 6, MOST - 1, 2}, "", 0}},
        {"lengths that run over", {{BJ_CALL_MAGIC, 1, 6, 0xffffffff, 0xffffffff}, "", 0}},
        {"lengths whose sum is small", {{BJ_CALL_MAGIC, 1, 6, 0x80000000, 0x80000004}, "", 0}},
        {"arguments that are no array", CALL("add", "{}", "{}")},
        {"blanks before them", CALL("add", " []", "{}")},
        {"keywords that are no object", CALL("add", "[]", "[]")},
        {"arguments that are no JSON", CALL("add", "[", "{}")},
        {"a zero in them", CALL("add", "[\0]", "{}")},
        {"two of them", CALL("add", "[][]", "{}")},
        {"no UTF-8", CALL("add", "[\"\xff\"]", "{}")},
        {"half a pair", CALL("add", "[\"\\ud800\"]", "{}")},
        {"no arguments", CALL("add", "", "{}")},
        {"no keywords", CALL("add", "[]", "")},
        {"no zero behind the name", {{BJ_CALL_MAGIC, 1, 3, 2, 2}, "addX[]\0{}", 10}},
        {"no zero behind the arguments", {{BJ_CALL_MAGIC, 1, 3, 2, 2}, "add\0[]X{}", 10}},
        {"no zero at the end", {{BJ_CALL_MAGIC, 1, 3, 2, 2}, "add\0[]\0{}X", 10}},
    };
    for (size_t i = 0; i < BJ_COUNT(bad); i++)
        for (size_t piece = 1; piece < 40; piece += 13)
            if (try(&bad[i].call, piece) != BJ_CALL_NONE)
                fail_msg("taken: %s, in pieces of %zu", bad[i].how, piece);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char arguments[2 * (BJ_REPLY_DEPTH + 1) + 1] = "";
    struct bj_call_frame frame;
    static const struct bj_call_rules wide = {.names = &names, .number = 1, .max_bytes = 4096};
    for (size_t depth = BJ_REPLY_DEPTH; depth <= BJ_REPLY_DEPTH + 1; depth++) {
        unsigned char bytes[512];
        enum bj_call_outcome outcome;
        memset(arguments, '[', depth);
        memset(arguments + depth, ']', depth);
        const struct bj_call_head head = {BJ_CALL_MAGIC, 1, 3, (uint32_t)(2 * depth), 2};
        memcpy(bytes, "add", 4);
        memcpy(bytes + 4, arguments, 2 * depth);
        memcpy(bytes + 4 + 2 * depth, "\0{}", 4);
        bj__call_frame_init(&frame);
        assert_int_equal(bj__call_frame_add(&frame, &wide, &head, sizeof(head), &outcome), 0);
        assert_int_equal(bj__call_frame_add(&frame, &wide, bytes, 4 + 2 * depth + 4, &outcome), 0);
        assert_int_equal(outcome, depth == BJ_REPLY_DEPTH ? BJ_CALL_WHOLE : BJ_CALL_NONE);
        bj__call_frame_done(&frame);
    }
}

/* Nothing is kept for what a head only announces. */
static void what_is_cut_short_waits(void **state)
{
    (void)state;
    static const struct call call = CALL("lookup", "[1]", "{}");
    struct bj_call_frame frame;
    unsigned char bytes[64];
    memcpy(bytes, &call.head, sizeof(call.head));
    memcpy(bytes + sizeof(call.head), call.body, call.length);
    for (size_t length = 0; length < sizeof(call.head) + call.length; length++) {
        bj__call_frame_init(&frame);
        assert_int_equal(feed(&frame, bytes, length, SIZE_MAX), BJ_CALL_MORE);
        assert_true(frame.body.capacity <= 256);
        bj__call_frame_done(&frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_taken_in_any_pieces), cmocka_unit_test(its_texts_are_what_was_sent),
        cmocka_unit_test(what_lies_is_no_call),          cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(what_is_cut_short_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
