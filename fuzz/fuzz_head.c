/* Any lines as the head of a request, any text as a path: what passes is framed in one way only, and its path is what it was.
 * Its own file because each fuzzer is one property. Changes when: server/head.h does. */
#include "fuzz.h"
#include "server/head.h"
#include "server/routes.h"

#include <strings.h>

struct lines {
    char *at;
    unsigned lengths, codings;
};

/* "Name: value\n"; false: none is left. */
static bool take_line(struct lines *lines, struct bj_head *head)
{
    char *name = lines->at;
    char *end = strchr(name, '\n');
    if (!*name || !end)
        return false;
    *end = 0;
    lines->at = end + 1;
    char *value = strchr(name, ':');
    if (!value)
        return true;
    *value++ = 0;
    value += strspn(value, " ");
    lines->lengths += strcasecmp(name, "content-length") == 0;
    lines->codings += strcasecmp(name, "transfer-encoding") == 0;
    head->next = NULL;
    bj__head_take(head, name, strlen(name), value, strlen(value));
    head->next = NULL;
    return true;
}

static void check_path(const char *path)
{
    struct bj_path_part parts[BJ_ROUTE_PARTS] = {{NULL, 0}, {NULL, 0}};
    char text[64];
    unsigned allowed;
    const struct bj_route *route = bj__route_find(BJ_LISTENER_HTTP, "GET", path, parts, &allowed);
    fuzz_must(!route || allowed, "a route that no method has", path);
    for (size_t n = 0; n < BJ_ROUTE_PARTS; n++) {
        if (!parts[n].text || bj__path_decode(&parts[n], text, sizeof(text)) < 0)
            continue;
        fuzz_must(strlen(text) <= parts[n].length, "decoding has made it longer", text);
        for (const char *c = text; *c; c++)
            fuzz_must((unsigned char)*c >= 0x20 && *c != 0x7f, "a control character in a path", path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const hosts[] = {"our.example", NULL};
    const struct bj_head_rules rules = {
        .check_host = true, .hosts = hosts, .own_address = "127.0.0.1", .body_most = 1000, .json = true};
    struct bj_head head = {0};
    struct bj_refusal refusal = {0};
    enum bj_body_form form;
    uint64_t length = 0;
    const char *token;
    size_t token_length;
    char *text = malloc(size + 1);
    fuzz_must(text != NULL, "out of memory", "");
    memcpy(text, bytes, size);
    text[size] = 0;
    struct lines lines = {.at = text};
    char *path = strchr(text, '\n');
    if (path) {
        *path = 0;
        lines.at = path + 1;
    }
    while (take_line(&lines, &head))
        continue;
    bool framed = bj__head_frame(&head, "HTTP/1.1", text, &refusal);
    fuzz_must(!framed || lines.lengths + lines.codings <= 1, "two framings", text);
    fuzz_must(framed || refusal.error.message[0], "refused without a word", text);
    if (framed && bj__head_host(&head, &rules, "HTTP/1.1", &refusal)) {
        if (bj__head_body(&head, &rules, &form, &length, &refusal))
            fuzz_must(length == UINT64_MAX || length <= 1000, "a body that is too large", text);
        if (bj__head_token(&head, &token, &token_length) && token)
            fuzz_must(token_length == strlen(token) && token_length > 0, "a token that is none", token);
        check_path(text);
    }
    free(text);
    return 0;
}
