/* Puts objects together by their names, and leaves the values as they are.
 * Its own file because what a value means is the guest's matter: a reader of JSON here would refuse what Python's takes.
 * Changes when: other objects come in as Python writes them. */
#include "spec/globals.h"
#include "base/base.h"
#include "base/json_scan.h"
#include "spec/json_read.h"
#include "spec/json_text.h"

#include <jansson.h>

#define DEPTH_MAX 2048u /* as deep as other JSON of callers may be; the guest's own limit is below */

static int refuse(const char *field, const char *text, const char *why, size_t at, struct bj_error *err)
{
    return bj__error(err, BJ_ERROR_INVALID, EINVAL, field,
                     "\"%.40s\" is no JSON object (%s, byte %zu); write {\"name\": value}", text, why, at);
}

/* {name: text of the value}, each name once. */
static int take_apart(const char *text, const char *field, json_t *values, struct bj_error *err)
{
    struct bj_json_members members = {.text = text, .length = strlen(text)};
    struct bj_json_member member;
    int r;
    while ((r = bj__json_next_member(&members, DEPTH_MAX, &member)) > 0) {
        BJ_JSON json_t *name =
            json_loadb(member.name, member.name_length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        json_t *value = json_stringn(member.value, member.value_length);
        if (!name || strlen(json_string_value(name)) != json_string_length(name)) {
            json_decref(value);
            return refuse(field, text, "a name is none", members.at, err);
        }
        bool again = json_object_get(values, json_string_value(name)) != NULL;
        if (json_object_set_new(values, json_string_value(name), value) < 0)
            return bj__error_memory(err);
        if (again)
            return refuse(field, text, "a name stands twice", members.at, err);
    }
    return r < 0 ? refuse(field, text, "not one as Python writes them", members.at, err) : 0;
}

static int put_together(json_t *values, struct bj_buf *text)
{
    const char *name;
    json_t *value;
    int r = bj__buf_add(text, "{", 1);
    const char *comma = "";
    json_object_foreach(values, name, value)
    {
        BJ_JSON json_t *key = json_string(name);
        BJ_FREE char *quoted = key ? bj__json_dump(key, JSON_ENCODE_ANY) : NULL;
        if (r == 0)
            r = quoted ? bj__buf_printf(text, "%s%s:", comma, quoted) : -ENOMEM;
        if (r == 0)
            r = bj__buf_add(text, json_string_value(value), json_string_length(value));
        comma = ",";
    }
    return r < 0 ? r : bj__buf_add(text, "}", 2); /* with its end */
}

int bj__globals_join(const char *before, const char *added, const char *field, struct bj_buf *text,
                     struct bj_error *err)
{
    BJ_JSON json_t *values = json_object();
    BJ_JSON json_t *news = json_object();
    if (!values || !news)
        return bj__error_memory(err);
    int r = before ? take_apart(before, field, values, err) : 0;
    if (r == 0)
        r = take_apart(added, field, news, err);
    if (r == 0)
        r = json_object_update(values, news) < 0 ? -ENOMEM : put_together(values, text);
    if (r == -ENOBUFS)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, field, "more than %zu bytes; give large values as files",
                         text->maximum);
    return r == -ENOMEM ? bj__error_memory(err) : r;
}
