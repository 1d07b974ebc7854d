/* Any request of a web server: lines NAME=VALUE, an empty line, the body. What is accepted keeps to the rules, what is refused says
 * why in a head that nothing of the request can break, and a form's field is what a second, slower reader finds in it.
 * Its own file because each fuzzer is one property.
 * Changes when: belljar cgi answers another kind of request. */
#include "fuzz.h"
#include "naive_form.h"

#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cgi/answer.h"
#include "cli/cgi/form.h"
#include "cli/cgi/request.h"

#define MOST       16u
#define BODY_LIMIT 1000u

struct made_request {
    char *text; /* owned */
    const char *names[MOST];
    const char *values[MOST];
    size_t count;
    const uint8_t *body;
    size_t length;
};

static void make_request(const uint8_t *bytes, size_t size, struct made_request *request)
{
    const uint8_t *end = size ? memmem(bytes, size, "\n\n", 2) : NULL;
    size_t head = end ? (size_t)(end - bytes) : size;

    request->text = calloc(1, head + 1);
    fuzz_must(request->text, "out of memory", "");
    for (size_t i = 0; i < head; i++)
        request->text[i] = (char)bytes[i];
    request->body = end ? end + 2 : bytes + size;
    request->length = (size_t)(bytes + size - request->body);
    char *rest = request->text;
    for (char *line = strsep(&rest, "\n"); line && request->count < MOST; line = strsep(&rest, "\n")) {
        char *equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = 0;
        request->names[request->count] = line;
        request->values[request->count++] = equals + 1;
    }
}

static const char *look_up(const void *user, const char *name)
{
    const struct made_request *request = user;

    for (size_t i = 0; i < request->count; i++)
        if (!strcmp(request->names[i], name))
            return request->values[i];
    return NULL;
}

static const char *text_of(const struct bj_buf *buf)
{
    return buf->length ? (const char *)buf->bytes : "";
}

/* Lines of a head: printable, of the form "Name: value"; *ret_body is what stands behind it. */
static void check_head(const struct bj_buf *answer, const char **ret_body)
{
    const char *end = strstr(text_of(answer), "\r\n\r\n");

    fuzz_must(end, "a head without an end", text_of(answer));
    fuzz_must(strncmp(text_of(answer), "Status: ", 8) == 0, "a head that does not begin with its status",
              text_of(answer));
    for (const char *c = text_of(answer); c < end; c++) {
        bool line_end = *c == '\r' && c[1] == '\n';
        fuzz_must(line_end || (*c >= ' ' && *c < 0x7f), "a head with a byte of its own", text_of(answer));
        c += line_end;
    }
    *ret_body = end + 4;
}

static void check_refusal(const struct cgi_refusal *refusal, const char *origin)
{
    BJ_BUF struct bj_buf answer;
    const char *body;

    bj__buf_init(&answer, SIZE_MAX / 4);
    fuzz_must(refusal->status >= 400 && refusal->detail[0], "a refusal without a word", refusal->detail);
    fuzz_must(bj__cgi_answer_problem(&answer, refusal, origin, true) == 0, "a refusal that cannot be told",
              refusal->detail);
    check_head(&answer, &body);
    fuzz_must(strchr(body, '\n') == body + strlen(body) - 1, "a problem of more than one line", body);
}

static void check_accepted(const struct cgi_request *request, const struct made_request *made)
{
    bool posted = request->method == CGI_POST;

    fuzz_must(posted == (request->body != CGI_NO_BODY), "a body that was not posted, or none", request->query);
    fuzz_must(request->length <= BODY_LIMIT && (posted || !request->length), "a body beyond its limit",
              request->query);
    const char *told = look_up(made, "HTTP_SEC_FETCH_SITE");
    const char *site = told ? told : "";
    fuzz_must(request->origin || !*site || !strcmp(site, "none") || !strcmp(site, "same-origin"),
              "a page of another site", site);
    fuzz_must(!request->origin || !strcasecmp(request->origin, "https://friend.example"),
              "a page that nobody named", request->origin ? request->origin : "");
}

/* The form ends where memory does. */
static void check_form(const uint8_t *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (length / page + 1) * page;
    char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    BJ_BUF struct bj_buf value;
    BJ_BUF struct bj_buf naive;
    BJ_BUF struct bj_buf literal;

    fuzz_must(map != MAP_FAILED && mprotect(map + whole, page, PROT_NONE) == 0, "out of memory", "");
    char *form = map + whole - length;
    for (size_t i = 0; i < length; i++)
        form[i] = (char)bytes[i];
    bj__buf_init(&value, SIZE_MAX / 4);
    bj__buf_init(&naive, SIZE_MAX / 4);
    bj__buf_init(&literal, SIZE_MAX / 4);
    int count = bj__form_find(form, length, "user_script", &value);
    fuzz_must(count == naive_form_find(form, length, "user_script", &naive), "two readers count differently",
              text_of(&value));
    fuzz_must(value.length == naive.length &&
                  (!value.length || !memcmp(value.bytes, naive.bytes, value.length)),
              "two readers read differently", text_of(&value));
    fuzz_must(bj__cgi_bytes_add(&literal, (const unsigned char *)form, length) == 0,
              "bytes that cannot be told", "");
    for (size_t i = 0; i < literal.length; i++)
        fuzz_must(literal.bytes[i] >= ' ' && literal.bytes[i] < 0x7f, "a literal with a byte of its own",
                  text_of(&literal));
    fuzz_must(munmap(map, whole + page) == 0, "munmap", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct made_request made = {.count = 0};
    const struct cgi_variables variables = {look_up, &made};
    const struct cgi_rules rules = {NULL, "https://friend.example", BODY_LIMIT};
    struct cgi_request request;
    struct cgi_refusal refusal = {0};

    make_request(bytes, size, &made);
    if (bj__cgi_request_read(&variables, &rules, &request, &refusal) < 0)
        check_refusal(&refusal, request.origin);
    else
        check_accepted(&request, &made);
    if (bj__form_is_words(request.query))
        fuzz_must(!bj__form_find(request.query, strlen(request.query), "user_script", &(struct bj_buf){0}),
                  "words that are a field", request.query);
    (void)bj__form_begins_with(request.query, "run");
    check_form(made.body, made.length);
    free(made.text);
    return 0;
}
