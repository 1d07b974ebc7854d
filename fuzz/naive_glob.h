/* glob(7) the slow way, byte by byte; and what a name must be to be collected.
 * Its own file because it is the judge of what src/supervise/collect.c asks fnmatch(3).
 * Changes when: patterns or names get another rule. */
#ifndef FUZZ_NAIVE_GLOB_H
#define FUZZ_NAIVE_GLOB_H

#include <stdbool.h>
#include <string.h>

/* Does a bracket that begins at p + 1 take the character? *ret_end: behind its ']', or NULL if there is none. */
static inline bool naive_bracket(const unsigned char *p, unsigned char c, const unsigned char **ret_end)
{
    bool negated = p[1] == '!' || p[1] == '^';
    bool found = false;
    const unsigned char *at = p + 1 + negated;
    for (bool first = true; *at && (*at != ']' || first); first = false) {
        at += *at == '\\' && at[1];
        unsigned char low = *at++;
        unsigned char high = low;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at += 1 + (at[1] == '\\' && at[2]);
            high = *at++;
        }
        found |= c >= low && c <= high;
    }
    *ret_end = *at == ']' ? at + 1 : NULL;
    return found != negated;
}

/* '*', '?' and '[' take no '/' and no '.' that begins a name. */
static inline bool naive_glob(const unsigned char *p, const unsigned char *s, bool begins)
{
    const unsigned char *end = NULL;
    bool taken = *s && *s != '/' && !(begins && *s == '.');
    if (!*p)
        return !*s;
    if (*p == '*')
        return (!(begins && *s == '.') && naive_glob(p + 1, s, false)) ||
               (taken && naive_glob(p, s + 1, false));
    if (*p == '?')
        return taken && naive_glob(p + 1, s + 1, false);
    if (*p == '[') {
        bool in = naive_bracket(p, *s, &end);
        if (end)
            return taken && in && naive_glob(end, s + 1, false);
    }
    p += *p == '\\';
    return *p && *p == *s && naive_glob(p + 1, s + 1, *s == '/');
}

static inline bool naive_match(const char *pattern, const char *path)
{
    return naive_glob((const unsigned char *)pattern, (const unsigned char *)path, true);
}

static inline bool is_pattern(const char *text)
{
    return strpbrk(text, "*?[\\") != NULL;
}

/* POSIX leaves open what a '/' in a bracket is, and glibc and musl differ over one behind a backslash; classes in brackets
 * are the locale's. A '[' that is never closed stands for itself, but not to glibc where a '-' follows: "[*-" takes nothing. */
static inline bool is_judged(const char *pattern)
{
    const char *bracket = strchr(pattern, '[');
    bool closed = !bracket || strchr(bracket + 1, ']') || !strchr(bracket + 1, '-');
    return (!bracket || !strpbrk(bracket + 1, "[/")) && closed && !strstr(pattern, "\\/");
}

#endif
