/* JSON text that is added to piece by piece, until it is full.
 * Its own file because the other parts of the tracer write much and must not ask after every word whether it fitted.
 * Changes when: texts are told in another way. */
#include "trace.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static void add_bytes(struct sheet *sheet, const void *bytes, size_t length)
{
    if (!sheet->full && bj__buf_add(&sheet->bytes, bytes, length) < 0)
        sheet->full = true;
}

void guest_sheet_add(struct sheet *sheet, const char *text)
{
    add_bytes(sheet, text, strlen(text));
}

void guest_sheet_printf(struct sheet *sheet, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(text))
        sheet->full = true;
    else
        add_bytes(sheet, text, (size_t)length);
}

void guest_sheet_comma(struct sheet *sheet, bool *first)
{
    if (!*first)
        guest_sheet_add(sheet, ", ");
    *first = false;
}

static void add_ascii(struct sheet *sheet, unsigned code)
{
    const char c = (char)code;
    if (code == '"' || code == '\\')
        guest_sheet_printf(sheet, "\\%c", c);
    else if (code == '\n')
        guest_sheet_add(sheet, "\\n");
    else if (code < 0x20 || code == 0x7f)
        guest_sheet_printf(sheet, "\\u%04x", code);
    else
        add_bytes(sheet, &c, 1);
}

static void add_code(struct sheet *sheet, Py_UCS4 code)
{
    unsigned char bytes[4];
    size_t length = 0;
    if (code < 0x80) {
        add_ascii(sheet, code);
        return;
    }
    if (code >= 0xd800 && code <= 0xdfff) { /* UTF-8 has no bytes for it, and strict JSON no escape */
        guest_sheet_printf(sheet, "\\\\u%04x", (unsigned)code);
        return;
    }
    if (code < 0x800) {
        bytes[length++] = (unsigned char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        bytes[length++] = (unsigned char)(0xe0 | code >> 12);
        bytes[length++] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    } else {
        bytes[length++] = (unsigned char)(0xf0 | code >> 18);
        bytes[length++] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
        bytes[length++] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
    }
    bytes[length++] = (unsigned char)(0x80 | (code & 0x3f));
    add_bytes(sheet, bytes, length);
}

void guest_sheet_inside(struct sheet *sheet, PyObject *text, Py_ssize_t most)
{
#if PY_VERSION_HEX < 0x030c0000
    if (PyUnicode_READY(text) < 0) { /* of the older kind of str, which may have no such form yet */
        PyErr_Clear();
        sheet->full = true;
        return;
    }
#endif
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t i = 0; i < length && i < most; i++)
        add_code(sheet, PyUnicode_READ_CHAR(text, i));
    if (length > most)
        add_code(sheet, 0x2026);
}

void guest_sheet_text(struct sheet *sheet, PyObject *text, Py_ssize_t most)
{
    guest_sheet_add(sheet, "\"");
    guest_sheet_inside(sheet, text, most);
    guest_sheet_add(sheet, "\"");
}

/* Could more bytes make a character of these? */
static bool is_beginning(const struct sheet_tail *tail)
{
    unsigned char first = tail->bytes[0];
    size_t whole = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first >= 0xf8 || tail->length >= whole)
        return false;
    for (size_t i = 1; i < tail->length; i++)
        if ((tail->bytes[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* One byte leaves the tail as something that is no character. */
static void give_up_first(struct sheet *sheet, struct sheet_tail *tail)
{
    add_code(sheet, 0xfffd);
    tail->length--;
    memmove(tail->bytes, tail->bytes + 1, tail->length);
}

void guest_sheet_bytes(struct sheet *sheet, struct sheet_tail *tail, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length && !sheet->full; i++) {
        tail->bytes[tail->length++] = bytes[i];
        while (tail->length > 0) {
            size_t whole = bj__utf8_length(tail->bytes, tail->length);
            if (whole == 1)
                add_ascii(sheet, tail->bytes[0]);
            else if (whole > 1)
                add_bytes(sheet, tail->bytes, whole);
            else if (is_beginning(tail))
                break;
            else {
                give_up_first(sheet, tail);
                continue;
            }
            tail->length -= whole;
            memmove(tail->bytes, tail->bytes + whole, tail->length);
        }
    }
}

void guest_sheet_name(struct sheet *sheet, const char *name)
{
    struct sheet_tail tail = {.length = 0};
    size_t length = strlen(name);
    guest_sheet_bytes(sheet, &tail, (const unsigned char *)name, length < SHEET_NAME ? length : SHEET_NAME);
}
