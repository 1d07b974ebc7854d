/* Moments as text, and back.
 * Its own file because it is arithmetic of the calendar, which knows nothing of specs and is tested alone.
 * Changes when: a moment can be written in another way. */
#include "spec/moment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FIRST_YEAR  1970
#define LAST_YEAR   2199
#define DAY_SECONDS 86400

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_year(int year)
{
    return is_leap(year) ? 366 : 365;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int number(const char *digits, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++)
        value = 10 * value + digits[i] - '0';
    return value;
}

/* Digits stand where the pattern has a 0, everything else is as it is there. No locale has a say, as it has in strptime(3). */
static bool has_form(const char *text)
{
    static const char pattern[] = "0000-00-00T00:00:00Z";
    size_t i = 0;
    while (pattern[i] && (pattern[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i]))
        i++;
    return !pattern[i] && !text[i];
}

int bj__moment_read(const char *text, int64_t *ret_seconds)
{
    if (!has_form(text))
        return -EINVAL;
    int year = number(text, 4);
    int month = number(text + 5, 2);
    int day = number(text + 8, 2);
    int hour = number(text + 11, 2);
    int minute = number(text + 14, 2);
    int second = number(text + 17, 2);
    if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return -EINVAL;
    int64_t days = day - 1;
    for (int i = FIRST_YEAR; i < year; i++)
        days += days_of_year(i);
    for (int i = 1; i < month; i++)
        days += days_of_month(year, i);
    *ret_seconds = days * DAY_SECONDS + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return 0;
}

void bj__moment_write(int64_t seconds, char text[BJ_MOMENT_SIZE])
{
    int64_t days = seconds / DAY_SECONDS;
    unsigned rest = (unsigned)(seconds % DAY_SECONDS);
    int year = FIRST_YEAR;
    int month = 1;
    while (days >= days_of_year(year) && year < LAST_YEAR)
        days -= days_of_year(year++);
    while (month < 12 && days >= days_of_month(year, month))
        days -= days_of_month(year, month++);
    (void)snprintf(text, BJ_MOMENT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)(days + 1) % 100, rest / 3600 % 100, rest / 60 % 60,
                   rest % 60);
}
