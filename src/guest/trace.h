/* What the parts of the tracer share.
 * Its own file because none of it concerns a run that is not recorded.
 * Changes when: a part of the tracer offers something more to the others.
 *
 * The record is made while the snippet stands still between two of its steps. Nothing of the snippet's own is called by it: no
 * method, no property, no repr; objects are read as CPython's own types have laid them out, and the collector, which could
 * call finalizers, is off meanwhile. */
#ifndef BJ_TRACE_H
#define BJ_TRACE_H

#include "guest.h"

/* ---- trace_text.c: JSON that is being written ------------------------------------------------------- */

/* Once something did not fit, or memory is short, nothing is added any more. */
struct sheet {
    struct bj_buf bytes;
    bool full;
};

#define SHEET_NAME 200 /* characters of a name that are told */

void guest_sheet_add(struct sheet *sheet, const char *text);
void guest_sheet_printf(struct sheet *sheet, const char *format, ...) BJ_PRINTF(2, 3);
/* A comma, but for the first one. */
void guest_sheet_comma(struct sheet *sheet, bool *first);
/* The inside of a JSON text: at most so many characters of a str, and an ellipsis behind them if there are more. Half a surrogate
 * pair is told as its escape. */
void guest_sheet_inside(struct sheet *sheet, PyObject *text, Py_ssize_t most);
/* The same with its quotation marks. */
void guest_sheet_text(struct sheet *sheet, PyObject *text, Py_ssize_t most);
/* A name of C's, in UTF-8, without quotation marks. */
void guest_sheet_name(struct sheet *sheet, const char *name);
/* Bytes as they come, to the inside of a JSON text: what is no UTF-8 is told as U+FFFD; a character may be in parts. */
struct sheet_tail {
    unsigned char bytes[4];
    size_t length;
};
void guest_sheet_bytes(struct sheet *sheet, struct sheet_tail *tail, const unsigned char *bytes, size_t length);

/* ---- trace_frames.c: the snippet's own frames ------------------------------------------------------- */

#define TRACE_FRAMES    2000 /* deeper, the record ends */
#define TRACE_VARIABLES 256  /* of one frame that are told */

struct trace_frame {
    PyFrameObject *frame; /* borrowed: it is under way */
    PyCodeObject *code;   /* the same */
    uint32_t number;      /* from 1 */
};

/* Outermost first. The module's own is not among them. */
struct trace_frames {
    struct trace_frame items[TRACE_FRAMES];
    size_t count;
    uint32_t last_number;
    bool too_many;
};

bool guest_frame_is_snippets(PyFrameObject *frame);
/* What is under way now; a frame that was there before keeps its number. root: the module's own. */
void guest_frames_look(struct trace_frames *frames, PyFrameObject *top, const PyFrameObject *root);
/* The innermost has ended. */
void guest_frames_drop(struct trace_frames *frames, const PyFrameObject *frame);
/* Its name; a lambda's has its line. Without quotation marks. */
void guest_frame_name(struct sheet *sheet, PyCodeObject *code);

/* Borrowed. */
struct trace_variable {
    PyObject *name; /* str */
    PyObject *value;
};
/* At most TRACE_VARIABLES; how many there are. */
size_t guest_frame_variables(PyFrameObject *frame, struct trace_variable *ret_variables);
/* Is it one that Python makes by itself, in a class or a module? */
bool guest_name_is_pythons(PyObject *name);

/* ---- trace_heap.c: objects -------------------------------------------------------------------------- */

#define TRACE_OBJECTS  1000 /* of one step that are told */
#define TRACE_ELEMENTS 256  /* of one object */
#define TRACE_TEXT     1000 /* characters of one text */
#define TRACE_MESSAGE  4000 /* of a message or a repr */

struct trace_heap;
struct trace_heap *guest_heap_new(void);
/* Another step begins. frames: where the functions are from that are seen for the first time. */
void guest_heap_begin(struct trace_heap *heap, const struct trace_frames *frames);
/* A number, a text or a constant; or ["REF", n] for what the heap then has to tell. */
void guest_heap_value(struct trace_heap *heap, struct sheet *sheet, PyObject *value);
/* There would be more elements: ", " and a reference to number 0, which says so. */
void guest_heap_leave_out(struct trace_heap *heap, struct sheet *sheet);
/* Everything that was referred to, and what that refers to: an object by number. */
void guest_heap_write(struct trace_heap *heap, struct sheet *sheet);

/* ---- trace_object.c: one object, as Python Tutor's pg_encoder writes it ----------------------------- */

void guest_object_write(struct trace_heap *heap, struct sheet *sheet, PyObject *object);
/* "null", or the number of the frame that a function was made in. */
void guest_heap_parent(struct trace_heap *heap, struct sheet *sheet, PyObject *function);

/* ---- trace_failure.c -------------------------------------------------------------------------------- */

/* "ValueError: message", without quotation marks; the message only where it can be had without asking the snippet's own code. */
void guest_exception_message(struct sheet *sheet, PyObject *exception);
/* A type's own name. Without quotation marks. */
void guest_type_name(struct sheet *sheet, PyTypeObject *type);

/* ---- trace_output.c --------------------------------------------------------------------------------- */

/* From now on what is written to sys.stdout is noted in the sheet as well, as the inside of a JSON text. -1 with an exception. */
int guest_output_note(struct sheet *sheet);

#endif
