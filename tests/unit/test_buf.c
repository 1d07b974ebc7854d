/* Byte buffers: what they hold, and how much room they take for it.
 * Its own file because everything that comes from outside is gathered in one.
 * Changes when: the growth rule changes. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

static void it_holds_its_maximum_and_no_more(void **state)
{
    struct bj_buf buf;
    (void)state;
    bj__buf_init(&buf, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bj__buf_add(&buf, "0123456789", 10), 0);
    assert_int_equal(bj__buf_add(&buf, "x", 1), -ENOBUFS);
    assert_int_equal(buf.length, 1000);
    assert_int_equal(strlen((const char *)buf.bytes), 1000);
    bj__buf_done(&buf);
}

/* A flood of bodies of the largest size took a third more of the front's time when each had twice the room: what is larger
 * than 32 MiB is mapped anew for each (mallopt(3), M_MMAP_THRESHOLD). */
static void it_takes_no_more_room_than_its_maximum(void **state)
{
    static const size_t maxima[] = {0, 1, 255, 256, 257, 1000, 65536, 65537};
    (void)state;
    for (size_t i = 0; i < sizeof(maxima) / sizeof(*maxima); i++) {
        struct bj_buf buf;
        bj__buf_init(&buf, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(bj__buf_add(&buf, "x", 1), 0);
        assert_int_equal(bj__buf_reserve(&buf, 0), 0);
        assert_in_range(buf.capacity, maxima[i] + 1, maxima[i] + 1 > 256 ? maxima[i] + 1 : 256);
        bj__buf_done(&buf);
    }
}

static void one_without_a_maximum_grows(void **state)
{
    struct bj_buf buf;
    (void)state;
    bj__buf_init(&buf, SIZE_MAX);
    assert_int_equal(bj__buf_reserve(&buf, 100000), 0);
    assert_true(buf.capacity > 100000);
    bj__buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_its_maximum_and_no_more),
        cmocka_unit_test(it_takes_no_more_room_than_its_maximum),
        cmocka_unit_test(one_without_a_maximum_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
