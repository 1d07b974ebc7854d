/* The tracer: what happens in the snippet's own frames, step by step, as Python Tutor's pg_logger records it.
 * Its own file because it is the only one that CPython calls at each step.
 * Changes when: another event is told, or a record ends for another reason.
 *
 * Everything belongs to the snippet: it can take the tracer away (sys.settrace) or write a record of its own. So this is a tool
 * for who wants to see a program run, and no witness. */
#include "trace.h"

#define FORM_BYTES 48  /* around the steps */
#define LAST_BYTES 768 /* what is kept free for an event that ends the record */

static const char form_begin[] = "{\"steps\": [";

static struct {
    struct sheet steps;  /* each ends with a comma and a line feed, which no text in it holds */
    struct sheet output; /* the inside of a JSON text */
    struct trace_heap *heap;
    struct trace_frames frames;
    PyFrameObject *root;            /* borrowed, while it is under way: the module's */
    const PyFrameObject *raised_in; /* the last event was an exception of this frame; never looked into */
    const PyObject *raised;         /* the exception that was told last; never looked into */
    PyObject *globals, *before;
    PyObject *limit_reached; /* the exception that ends the snippet */
    Py_ssize_t max_steps, max_bytes, count;
    bool truncated, ended, stopping;
} trace;

/* ---- the collector ---------------------------------------------------------------------------------- */

#if PY_VERSION_HEX >= 0x030a0000
static int hold_collector(void)
{
    return PyGC_Disable();
}

static void release_collector(int was_on)
{
    if (was_on)
        (void)PyGC_Enable();
}
#else
static PyObject *collector[3]; /* gc's functions: is it on, off, on */

static int hold_collector(void)
{
    static const char *const names[] = {"isenabled", "disable", "enable"};
    PyObject *module = collector[2] ? NULL : PyImport_ImportModule("gc");
    for (size_t i = 0; module && i < BJ_COUNT(names); i++)
        collector[i] = PyObject_GetAttrString(module, names[i]);
    Py_XDECREF(module);
    PyObject *was_on = collector[2] ? PyObject_CallObject(collector[0], NULL) : NULL;
    PyObject *done = was_on ? PyObject_CallObject(collector[1], NULL) : NULL;
    int result = was_on == Py_True;
    Py_XDECREF(done);
    Py_XDECREF(was_on);
    return result;
}

static void release_collector(int was_on)
{
    PyObject *done = was_on ? PyObject_CallObject(collector[2], NULL) : NULL;
    Py_XDECREF(done);
}
#endif

/* ---- one step --------------------------------------------------------------------------------------- */

/* Variables of the script, not those that are there in every module. */
static size_t list_globals(struct trace_variable *variables)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    size_t count = 0;
    while (count < TRACE_VARIABLES && PyDict_Next(trace.globals, &position, &name, &value))
        if (PyUnicode_CheckExact(name) && !guest_name_is_pythons(name) && !PyDict_GetItem(trace.before, name))
            variables[count++] = (struct trace_variable){name, value};
    return count;
}

static void add_values(const struct trace_variable *variables, size_t count)
{
    bool first = true;
    guest_sheet_add(&trace.steps, "{");
    for (size_t i = 0; i < count; i++) {
        guest_sheet_comma(&trace.steps, &first);
        guest_sheet_text(&trace.steps, variables[i].name, SHEET_NAME);
        guest_sheet_add(&trace.steps, ": ");
        guest_heap_value(trace.heap, &trace.steps, variables[i].value);
    }
    guest_sheet_add(&trace.steps, "}");
}

static void add_names(const struct trace_variable *variables, size_t count)
{
    bool first = true;
    guest_sheet_add(&trace.steps, "[");
    for (size_t i = 0; i < count; i++) {
        guest_sheet_comma(&trace.steps, &first);
        guest_sheet_text(&trace.steps, variables[i].name, SHEET_NAME);
    }
    guest_sheet_add(&trace.steps, "]");
}

/* returned: of the innermost, when it returns. */
static void add_frame(const struct trace_frame *frame, bool innermost, PyObject *returned)
{
    struct trace_variable variables[TRACE_VARIABLES + 1];
    size_t count = guest_frame_variables(frame->frame, variables);
    PyObject *name = returned ? PyUnicode_FromString("__return__") : NULL;
    if (name)
        variables[count++] = (struct trace_variable){name, returned};
    guest_sheet_add(&trace.steps, "{\"func_name\": \"");
    guest_frame_name(&trace.steps, frame->code);
    guest_sheet_printf(&trace.steps, "\", \"frame_id\": %u, \"encoded_locals\": ", frame->number);
    add_values(variables, count);
    guest_sheet_add(&trace.steps, ", \"ordered_varnames\": ");
    add_names(variables, count);
    guest_sheet_printf(&trace.steps, ", \"is_highlighted\": %s", innermost ? "true" : "false");
    guest_sheet_add(&trace.steps, ", \"is_parent\": false, \"is_zombie\": false, \"parent_frame_id_list\": [], "
                                  "\"unique_hash\": \"");
    guest_frame_name(&trace.steps, frame->code);
    guest_sheet_printf(&trace.steps, "_f%u\"}", frame->number);
    Py_XDECREF(name);
}

static void add_stack(PyObject *returned)
{
    bool first = true;
    guest_sheet_add(&trace.steps, ", \"stack_to_render\": [");
    for (size_t i = 0; i < trace.frames.count && !trace.steps.full; i++) {
        bool innermost = i + 1 == trace.frames.count;
        guest_sheet_comma(&trace.steps, &first);
        add_frame(&trace.frames.items[i], innermost, innermost ? returned : NULL);
    }
    guest_sheet_add(&trace.steps, "]");
}

static void add_globals(void)
{
    struct trace_variable variables[TRACE_VARIABLES];
    size_t count = list_globals(variables);
    guest_sheet_add(&trace.steps, ", \"globals\": ");
    add_values(variables, count);
    guest_sheet_add(&trace.steps, ", \"ordered_globals\": ");
    add_names(variables, count);
}

static void add_output(void)
{
    guest_sheet_add(&trace.steps, ", \"stdout\": \"");
    guest_sheet_add(&trace.steps, trace.output.bytes.bytes ? (const char *)trace.output.bytes.bytes : "");
    guest_sheet_add(&trace.steps, "\"");
}

/* All of it or nothing. What does not fit ends the record. */
static void end_step(size_t begin)
{
    guest_sheet_add(&trace.steps, "},\n");
    if (trace.steps.full || trace.output.full) {
        trace.steps.bytes.length = begin;
        trace.truncated = trace.ended = true;
    }
    trace.count++;
}

static void add_step(PyFrameObject *frame, const char *event, PyObject *returned, PyObject *exception)
{
    size_t begin = trace.steps.bytes.length;
    PyCodeObject *code = PyFrame_GetCode(frame);
    guest_heap_begin(trace.heap, &trace.frames);
    guest_sheet_printf(&trace.steps, "{\"line\": %d, \"event\": \"%s\", \"func_name\": \"",
                       PyFrame_GetLineNumber(frame), event);
    guest_frame_name(&trace.steps, code);
    guest_sheet_add(&trace.steps, "\"");
    add_globals();
    add_stack(returned);
    guest_sheet_add(&trace.steps, ", \"heap\": {");
    guest_heap_write(trace.heap, &trace.steps);
    guest_sheet_add(&trace.steps, "}");
    add_output();
    if (exception) {
        guest_sheet_add(&trace.steps, ", \"exception_msg\": \"");
        guest_exception_message(&trace.steps, exception);
        guest_sheet_add(&trace.steps, "\"");
    }
    Py_DECREF(code);
    end_step(begin);
}

/* For one that is not long there is always room. */
static void add_last(const char *event, int line, PyObject *exception)
{
    size_t begin = trace.steps.bytes.length;
    trace.steps.bytes.maximum += LAST_BYTES;
    guest_sheet_printf(&trace.steps, "{\"line\": %d, \"event\": \"%s\", \"exception_msg\": \"", line, event);
    if (exception)
        guest_exception_message(&trace.steps, exception);
    else
        guest_sheet_printf(&trace.steps,
                           "Stopped after running %zd steps. Shorten the code, or ask for more steps.",
                           trace.max_steps);
    guest_sheet_add(&trace.steps, "\"");
    end_step(begin);
    trace.ended = true;
}

/* ---- events ----------------------------------------------------------------------------------------- */

static int stop_snippet(void)
{
    PyErr_Format(trace.limit_reached, "stopped after running %zd steps", trace.max_steps);
    return -1;
}

static void record(PyFrameObject *frame, int what, PyObject *arg)
{
    static const char *const events[] = {[PyTrace_CALL] = "call",
                                         [PyTrace_LINE] = "step_line",
                                         [PyTrace_RETURN] = "return",
                                         [PyTrace_EXCEPTION] = "exception"};
    PyObject *exception = what == PyTrace_EXCEPTION && arg && PyTuple_Check(arg) && PyTuple_GET_SIZE(arg) == 3
                              ? PyTuple_GET_ITEM(arg, 1)
                              : NULL;
    int was_on = hold_collector();
    guest_frames_look(&trace.frames, frame, trace.root);
    trace.steps.full |= trace.frames.too_many;
    add_step(frame, events[what], what == PyTrace_RETURN ? arg : NULL, exception);
    trace.raised_in = what == PyTrace_EXCEPTION ? frame : NULL;
    trace.raised = exception;
    PyErr_Clear();
    release_collector(was_on);
}

/* A frame that an exception ends has no value; since 3.12 it is told as None. */
static bool is_unwound(const PyFrameObject *frame, int what, PyObject *arg)
{
    return what == PyTrace_RETURN && (!arg || (arg == Py_None && trace.raised_in == frame));
}

/* As pg_logger: the call of the module and its end by an exception, which was told, are no steps. */
static bool is_step(const PyFrameObject *frame, int what, bool unwound)
{
    return what != PyTrace_OPCODE && what <= PyTrace_RETURN &&
           !(frame == trace.root && (what == PyTrace_CALL || unwound));
}

/* The value of a frame that was unwound is none. */
static int on_event(PyObject *nothing, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)nothing;
    if (trace.ended && !trace.stopping)
        return 0;
    if (!guest_frame_is_snippets(frame))
        return 0;
    bool unwound = is_unwound(frame, what, arg);
    if (trace.stopping)
        return unwound || what == PyTrace_EXCEPTION ? 0 : stop_snippet();
    if (!trace.root)
        trace.root = frame;
    if (is_step(frame, what, unwound)) {
        if (trace.count == trace.max_steps) {
            add_last("instruction_limit_reached", PyFrame_GetLineNumber(frame), NULL);
            trace.stopping = !trace.truncated;
            return unwound || !trace.stopping ? 0 : stop_snippet();
        }
        record(frame, what, unwound ? NULL : arg);
    }
    if (what == PyTrace_RETURN)
        guest_frames_drop(&trace.frames, frame);
    return 0;
}

/* ---- begin and end ---------------------------------------------------------------------------------- */

int guest_trace_begin(const struct request *request, PyObject *globals, PyObject *before)
{
    size_t maximum = request->trace_bytes > FORM_BYTES ? (size_t)request->trace_bytes - FORM_BYTES : 0;
    trace.max_steps = request->trace_steps;
    trace.globals = globals;
    trace.before = before;
    trace.heap = guest_heap_new();
    trace.limit_reached = PyErr_NewException("belljar.StepLimit", PyExc_BaseException, NULL);
    bj__buf_init(&trace.output.bytes, maximum);
    bj__buf_init(&trace.steps.bytes,
                 sizeof(form_begin) - 1 + (maximum > LAST_BYTES ? maximum - LAST_BYTES : 0));
    guest_sheet_add(&trace.steps, form_begin);
    if (!trace.heap)
        PyErr_NoMemory();
    if (!trace.heap || !trace.limit_reached || guest_output_note(&trace.output) < 0)
        return -1;
    PyEval_SetTrace(on_event, NULL);
    return 0;
}

static int line_of(PyObject *exception)
{
    if (!PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_SyntaxError))
        return 0;
    PyObject *line = ((PySyntaxErrorObject *)exception)->lineno;
    long number = line && PyLong_CheckExact(line) ? PyLong_AsLong(line) : 0;
    PyErr_Clear();
    return number > 0 && number < INT_MAX ? (int)number : 0;
}

void guest_trace_end(PyObject *exception)
{
    PyEval_SetTrace(NULL, NULL);
    if (exception && exception != trace.raised && !trace.ended)
        add_last("uncaught_exception", line_of(exception), exception);
    trace.ended = true;
    trace.stopping = false;
    PyErr_Clear();
}

/* Whole steps, as many as there is room for; each ends with a comma and a line feed, of which the last one is relieved. */
static void cut(size_t room)
{
    struct bj_buf *steps = &trace.steps.bytes;
    const size_t begin = sizeof(form_begin) - 1;
    while (steps->length > begin && (steps->length > room || steps->bytes[steps->length - 1] != '\n')) {
        steps->length--;
        trace.truncated = true;
    }
    steps->length -= steps->length > begin ? 2 : 0;
}

void guest_trace_tell(struct reply *reply)
{
    struct bj_buf *steps = &trace.steps.bytes;
    size_t room = guest_reply_room(reply);
    if (room < FORM_BYTES || steps->length == 0)
        return;
    cut(room - FORM_BYTES + sizeof(form_begin) - 1);
    steps->maximum += FORM_BYTES;
    if (bj__buf_printf(steps, "], \"truncated\": %s}", trace.truncated ? "true" : "false") == 0)
        guest_reply_add(reply, BJ_REPLY_TRACE, steps);
    bj__buf_done(steps);
}
