/* Any bytes as a form of a stranger's, and each of its fields as a payload: fields lie in the body, one behind the other, no name is
 * there twice, nothing holds a boundary; and the variables of a payload are an object of JSON.
 * Its own file because each fuzzer is one property.
 * Changes when: server/compat/form.h or payload.h do. The first byte: how the form is written. */
#include "base/json_scan.h"
#include "fuzz.h"
#include "server/compat/form.h"
#include "server/compat/payload.h"

#include <sys/mman.h>
#include <unistd.h>

struct walled {
    char *map, *bytes;
    size_t room, length;
};

/* The bytes end where a page ends that nobody may read behind. */
static void wall(const uint8_t *bytes, size_t length, struct walled *ret)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ret->room = (length / page + 2) * page;
    ret->length = length;
    ret->map = mmap(NULL, ret->room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fuzz_must(ret->map != MAP_FAILED, "out of memory", "");
    fuzz_must(mprotect(ret->map + ret->room - page, page, PROT_NONE) == 0, "no wall", "");
    ret->bytes = ret->map + ret->room - page - length;
    for (size_t n = 0; n < length; n++)
        ret->bytes[n] = (char)bytes[n];
}

static void drop_wall(struct walled *walled)
{
    (void)munmap(walled->map, walled->room);
}

static void check_payload(const struct bj_form_field *field)
{
    BJ_PAYLOAD struct bj_payload payload = {0};
    BJ_BUF struct bj_buf message;
    bj__buf_init(&message, 1024);
    if (bj__payload_read(field->bytes, field->length, &payload, &message) < 0) {
        fuzz_must(message.length > 0, "a payload is refused without a word", field->name);
        return;
    }
    fuzz_must(json_is_string(payload.code), "a payload without code", field->name);
    fuzz_must(payload.globals >= field->bytes && payload.globals_length <= field->length &&
                  payload.globals + payload.globals_length <= field->bytes + field->length,
              "variables are not in the payload", field->name);
    fuzz_must(payload.globals[0] == '{' && bj__json_is_valid(payload.globals, payload.globals_length, 256),
              "variables are no object", field->name);
}

static void check_form(const struct bj_form *form, const struct walled *body, bool multipart)
{
    const char *behind = body->bytes;
    for (size_t n = 0; n < form->count; n++) {
        const struct bj_form_field *field = &form->fields[n];
        fuzz_must(field->name[0] && memchr(field->name, 0, sizeof(field->name)), "a field without a name", "");
        fuzz_must(bj__form_find(form, field->name) == field, "a name is there twice", field->name);
        fuzz_must(field->bytes >= behind, "fields overlap", field->name);
        behind = field->bytes + field->length;
        fuzz_must(behind <= body->bytes + body->length, "a field is longer than its form", field->name);
        fuzz_must(!multipart || !memmem(field->bytes, field->length, "\r\n--b", 5), "a field holds a boundary",
                  field->name);
        check_payload(field);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct bj_form form;
    struct bj_error err = {0};
    if (size == 0)
        return 0;
    BJ_CLEANUP(drop_wall) struct walled body;
    bool multipart = bytes[0] % 2 == 0;
    wall(bytes + 1, size - 1, &body);
    int r = multipart
                ? bj__form_multipart("multipart/form-data; boundary=b", body.bytes, body.length, &form, &err)
                : bj__form_urlencoded(body.bytes, body.length, &form, &err);
    if (r < 0)
        fuzz_must_say(&err);
    else
        check_form(&form, &body, multipart);
    return 0;
}
