/* Where requests begin and end in a stream, however it is cut into pieces.
 * Its own file because it is pure, and counts what strangers claim.
 * Changes when: requests are framed in another way. */
#include "server/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MOST 20

static void drop(struct bj_frame *frame)
{
    bj__frame_reset(frame);
}
#define FRAME BJ_CLEANUP(drop) struct bj_frame

/* In pieces of so many bytes, as many as it wants; until it is no longer BJ_FRAME_MORE. Returns the state, *ret_taken bytes later. */
static enum bj_frame_state feed(struct bj_frame *frame, const char *bytes, size_t length, size_t piece,
                                size_t *ret_taken)
{
    enum bj_frame_state state = BJ_FRAME_MORE;
    *ret_taken = 0;
    while (state == BJ_FRAME_MORE && *ret_taken < length) {
        size_t n = length - *ret_taken < piece ? length - *ret_taken : piece;
        size_t wants = bj__frame_wants(frame);
        assert_true(wants > 0);
        n = n < wants ? n : wants;
        state = bj__frame_take(frame, bytes + *ret_taken, n);
        *ret_taken += n;
    }
    return state;
}

static void test_nul(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= 12; piece++) {
        FRAME frame;
        size_t taken;
        bj__frame_init(&frame, BJ_FRAME_NUL, MOST);
        assert_false(bj__frame_begun(&frame));
        assert_int_equal(feed(&frame, "print(1)\0more", 13, piece, &taken), BJ_FRAME_WHOLE);
        assert_int_equal(frame.body.length, 8);
        assert_string_equal((const char *)frame.body.bytes, "print(1)");
        assert_true(bj__frame_begun(&frame));
    }
}

static void test_nul_alone(void **state)
{
    (void)state;
    FRAME frame;
    bj__frame_init(&frame, BJ_FRAME_NUL, MOST);
    assert_int_equal(bj__frame_take(&frame, "", 1), BJ_FRAME_WHOLE);
    assert_int_equal(frame.body.length, 0);
    bj__frame_reset(&frame);
    assert_int_equal(bj__frame_take(&frame, "", 0), BJ_FRAME_MORE);
    assert_false(bj__frame_begun(&frame));
}

static void test_nul_that_does_not_come(void **state)
{
    (void)state;
    const char *text = "12345678901234567890x";
    for (size_t piece = 1; piece <= 21; piece++) {
        FRAME frame;
        size_t taken;
        bj__frame_init(&frame, BJ_FRAME_NUL, MOST);
        assert_int_equal(feed(&frame, text, 21, piece, &taken), BJ_FRAME_TOO_LARGE);
        assert_true(frame.body.length <= MOST);
        bj__frame_reset(&frame);
        assert_int_equal(feed(&frame, "12345678901234567890", 21, piece, &taken), BJ_FRAME_WHOLE);
        assert_int_equal(frame.body.length, MOST);
    }
}

static void test_frames_one_behind_the_other(void **state)
{
    static const char bytes[] = "\0\0\0\2{}\0\0\0\0\0\0\0\3[1]";
    static const size_t lengths[] = {2, 0, 3};
    (void)state;
    for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
        FRAME frame;
        size_t at = 0;
        bj__frame_init(&frame, BJ_FRAME_LENGTH, MOST);
        for (size_t n = 0; n < BJ_COUNT(lengths); n++) {
            size_t taken;
            assert_int_equal(feed(&frame, bytes + at, sizeof(bytes) - 1 - at, piece, &taken), BJ_FRAME_WHOLE);
            assert_int_equal(taken, BJ_FRAME_HEAD + lengths[n]); /* nothing of the next one */
            assert_int_equal(frame.body.length, lengths[n]);
            assert_int_equal(bj__frame_length(&frame), lengths[n]);
            assert_memory_equal(frame.body.bytes, bytes + at + BJ_FRAME_HEAD, lengths[n]);
            at += taken;
            bj__frame_reset(&frame);
            assert_false(bj__frame_begun(&frame));
        }
        assert_int_equal(at, sizeof(bytes) - 1);
    }
}

/* What is announced is judged before anything is kept for it. */
static void test_lengths_that_are_too_large(void **state)
{
    static const char *const heads[] = {"\0\0\0\x15", "\xff\xff\xff\xff", "\x80\0\0\0", "GET "};
    (void)state;
    for (size_t n = 0; n < BJ_COUNT(heads); n++) {
        FRAME frame;
        size_t taken;
        bj__frame_init(&frame, BJ_FRAME_LENGTH, MOST);
        assert_int_equal(feed(&frame, heads[n], 4, 1, &taken), BJ_FRAME_TOO_LARGE);
        assert_int_equal(taken, 4);
        assert_int_equal(frame.body.capacity, 0);
    }
}

static void test_memory_grows_with_what_has_come(void **state)
{
    (void)state;
    FRAME frame;
    bj__frame_init(&frame, BJ_FRAME_LENGTH, SIZE_MAX / 4);
    assert_int_equal(bj__frame_take(&frame, "\x7f\xff\xff\xff", 4), BJ_FRAME_MORE);
    assert_int_equal(bj__frame_wants(&frame), 0x7fffffff);
    assert_int_equal(bj__frame_take(&frame, "x", 1), BJ_FRAME_MORE);
    assert_true(frame.body.capacity <= 4096);
}

static void test_head(void **state)
{
    static const uint32_t lengths[] = {0, 1, 255, 256, 65536, 0x01020304, UINT32_MAX};
    unsigned char head[BJ_FRAME_HEAD];
    (void)state;
    bj__frame_write_head(head, 0x01020304);
    assert_memory_equal(head, "\1\2\3\4", 4); /* network order */
    for (size_t n = 0; n < BJ_COUNT(lengths); n++) {
        FRAME frame;
        bj__frame_init(&frame, BJ_FRAME_LENGTH, SIZE_MAX / 4);
        bj__frame_write_head(head, lengths[n]);
        (void)bj__frame_take(&frame, head, 3);
        assert_int_equal(bj__frame_length(&frame), 0);
        (void)bj__frame_take(&frame, head + 3, 1);
        assert_int_equal(bj__frame_length(&frame), lengths[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_nul_alone),
        cmocka_unit_test(test_nul_that_does_not_come),
        cmocka_unit_test(test_frames_one_behind_the_other),
        cmocka_unit_test(test_lengths_that_are_too_large),
        cmocka_unit_test(test_memory_grows_with_what_has_come),
        cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
