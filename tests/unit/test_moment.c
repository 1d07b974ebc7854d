/* Moments as text: those that the calendar has, and back.
 * Its own file because it needs nothing of a spec.
 * Changes when: a moment can be written in another way. */
#include "spec/moment.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void moments_are_the_calendars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* as `date -u -d TEXT +%s` says */
    } good[] = {{"1970-01-01T00:00:00Z", 0},          {"1972-02-29T00:00:00Z", 68169600},
                {"2000-02-29T23:59:59Z", 951868799},  {"2001-09-09T01:46:40Z", 1000000000},
                {"2020-01-01T00:00:00Z", 1577836800}, {"2024-12-31T12:34:56Z", 1735648496},
                {"2038-01-19T03:14:08Z", 2147483648}, {"2100-03-01T00:00:00Z", 4107542400},
                {"2199-12-31T23:59:59Z", 7258118399}};
    static const char *const bad[] = {"",
                                      "2020-01-01",
                                      "2020-01-01T00:00:00",
                                      "2020-01-01T00:00:00z",
                                      "2020-01-01T00:00:00ZZ",
                                      "2020-01-01 00:00:00Z",
                                      "1969-12-31T23:59:59Z",
                                      "2200-01-01T00:00:00Z",
                                      "2020-00-01T00:00:00Z",
                                      "2020-13-01T00:00:00Z",
                                      "2020-01-00T00:00:00Z",
                                      "2020-04-31T00:00:00Z",
                                      "2023-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2020-01-01T24:00:00Z",
                                      "2020-01-01T00:60:00Z",
                                      "2016-12-31T23:59:60Z",
                                      "+020-01-01T00:00:00Z",
                                      "2020-01-01T00:00:0 Z"};
    for (size_t n = 0; n < BJ_COUNT(good); n++) {
        int64_t seconds = -1;
        char text[BJ_MOMENT_SIZE];
        assert_int_equal(bj__moment_read(good[n].text, &seconds), 0);
        assert_int_equal(seconds, good[n].seconds);
        bj__moment_write(seconds, text);
        assert_string_equal(text, good[n].text);
    }
    for (size_t n = 0; n < BJ_COUNT(bad); n++) {
        int64_t seconds = -1;
        if (bj__moment_read(bad[n], &seconds) != -EINVAL || seconds != -1)
            fail_msg("\"%s\" was accepted", bad[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_the_calendars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
