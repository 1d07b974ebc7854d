/* The policy of a snippet, as the guest keeps it.
 * Its own file because its parts share these few words, and nothing else of the guest needs them.
 * Changes when: a part offers something more to the others.
 *
 * It is a rail, not a wall: the process belongs to one run, so what must not be had is taken out of it. Code of the library is
 * told from the snippet's by its built-ins: the snippet's frames have a dictionary of their own. */
#ifndef BJ_GUEST_POLICY_H
#define BJ_GUEST_POLICY_H

#include "guest.h"
#include "spec/policy.h"

enum level {
    LEVEL_FEATURES,   /* Python, with what the policy lists */
    LEVEL_RESTRICTED, /* RestrictedPython's rules on top: the text is read before it is run */
    LEVEL_EXPRESSION  /* simpleeval's: an expression that the interpreter does not run */
};

struct policy {
    enum level level;
    uint32_t features; /* bits of enum bj_feature, those included that another one brings */
    int recursion_limit;
    PyObject *modules;   /* dict: full name to a frozenset of names, or of "*" */
    PyObject *paths;     /* tuple of str: what may be read, and everything below */
    PyObject *library;   /* tuple of str: where the library's own files are, for its own imports */
    PyObject *originals; /* dict of the real built-ins; borrowed */
    PyObject *builtins;  /* the snippet's */
    PyObject *functions; /* str: statements that define those of expressions; NULL: none */
    PyObject *names;     /* list of those that the text uses; NULL: it was not read */
    bool over;           /* the snippet has ended */
};
extern struct policy guest_policy;

static inline bool guest_has_feature(enum bj_feature feature)
{
    return guest_policy.features >> feature & 1u;
}

/* Names of arguments, as PyArg_ParseTupleAndKeywords wants them, which changes none. */
static inline char **guest_words(const char *const *words)
{
    return (char **)(uintptr_t)words; /* NOLINT(performance-no-int-to-ptr): a cast, no number */
}

/* Borrowed: the type keeps it. */
static inline PyObject *guest_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030c0000
    PyObject *dict = PyType_GetDict(type);
    Py_XDECREF(dict);
    return dict;
#else
    return type->tp_dict;
#endif
}

/* policy_deny.c: SandboxError, once it is made. */
extern PyObject *guest_sandbox_error;
int guest_make_sandbox_error(void);
void guest_forget_denials(void);
/* What is denied, and what would allow it: the name of a feature, or NULL. Raises `type` with the text; always NULL. */
PyObject *guest_deny(PyObject *type, const char *feature, const char *what, const char *format, ...)
    __attribute__((format(gnu_printf, 3, 0)));
/* The same with the exception's arguments, a new reference or NULL. */
PyObject *guest_deny_with(PyObject *type, PyObject *arguments, const char *feature, const char *what);

/* policy_trust.c: code of the library may do what the snippet may not, while the snippet has called it by a door that is meant
 * for that. */
bool guest_is_library(void); /* the frame that runs */
bool guest_is_trusted(void); /* and it was called by such a door, with no frame of the snippet's in between */
struct guest_door {
    PyFrameObject *frame; /* borrowed */
};
struct guest_door guest_trust_begin(void);
void guest_trust_end(struct guest_door before);
/* A callable that does so around another one. */
PyObject *guest_trusted_function(PyObject *function);

/* policy_features.c: adds what the features bring to guest_policy.modules. */
int guest_add_feature_modules(void);
const char *guest_feature_name(enum bj_feature feature);
/* Which feature brings a built-in or a name of a module ("sys.exit"; "re"), or NULL. */
const char *guest_feature_of(const char *name);
bool guest_is_builtin_kept(const char *name);

/* policy_builtins.c: a dictionary that cannot be changed, with what the snippet may have. */
PyObject *guest_make_builtins(void);
/* policy_readonly.c: the methods of their bases do not change views either. */
int guest_guard_views(void);
/* views.c: of what the host gave. */
bool guest_is_view(PyObject *object);
PyObject *guest_refuse_change(PyObject *self, PyObject *args, PyObject *keywords); /* always NULL */
PyObject *guest_read_only_dict(PyObject *dict);                                    /* a view of a copy of it */
PyObject *guest_read_only(PyObject *value); /* the same, in depth, of what JSON can hold */

/* policy_hide.c: puts denials in the place of attributes that lead out. */
int guest_hide_attributes(void);
/* policy_import.c: the snippet's __import__. */
PyObject *guest_make_import(void);
/* The view of a listed module; NULL without an exception: it is not listed. */
PyObject *guest_import_listed(PyObject *name);
/* policy_files.c: the snippet's open, and whether a path is among those of a tuple. */
PyObject *guest_make_open(void);
bool guest_is_path_within(const char *path, PyObject *paths);
/* Adds the file of a module's source, where it has one, to policy.paths. */
int guest_allow_source(PyObject *module);
void guest_deny_file(PyObject *path);
/* policy_tree.c: the tree of a text, Py_file_input or Py_eval_input; code of a tree, and of a Py_file_input's also what writes
 * its values, Py_single_input. References. */
PyObject *guest_parse(const char *source, int start);
PyObject *guest_compile_tree(PyObject *tree, int start);
/* interactive.c: the same statements as of interactive input. A reference. */
PyObject *guest_make_interactive(PyObject *tree);
/* Of a node: borrowed texts, which the node keeps; NULL: no text. */
const char *guest_node_kind(PyObject *node);
bool guest_is_node(PyObject *node, const char *kind);
int guest_node_line(PyObject *node);
PyObject *guest_node_fields(PyObject *node);
const char *guest_node_text(PyObject *node, const char *field);
/* policy_restricted.c: -1 with a SyntaxError that lists what is refused. Keeps the names. */
int guest_check_restricted(PyObject *tree);
bool guest_is_inspection(const char *name);
/* policy_guards.c: built-ins of the level "restricted", and what its print has collected. */
int guest_add_guards(PyObject *builtins);
PyObject *guest_printed(void);
void guest_forget_printed(void);
/* An attribute's name that a snippet may say, as an exact str: a reference, or NULL with a denial. */
PyObject *guest_checked_name(PyObject *given);
/* policy_writes.c: 0, or -1 with a denial. The same as functions, which are the snippet's built-ins under names that no text can
 * have: they return the object, which is their first argument; an attribute's name is the second. */
#define GUEST_ATTRIBUTE_GUARD "<object of a store to an attribute>"
#define GUEST_ITEM_GUARD      "<object of a store to an item>"
int guest_check_attribute_store(PyObject *object, const char *name);
int guest_check_item_store(PyObject *object);
int guest_add_write_guards(PyObject *builtins);
int guest_guard_storing_methods(void);
/* policy_deputies.c: what a snippet has in the place of a function of a listed module. A reference. */
PyObject *guest_deputy_for(PyObject *value);
/* policy_expression.c: the value of an expression's tree, over these names, and with these functions besides its own. */
PyObject *guest_evaluate(PyObject *tree, PyObject *names, PyObject *functions);
/* policy_stdio.c: puts denials in the place of sys.stdin, stdout and stderr, and back. */
int guest_block_stdio(void);
void guest_unblock_stdio(void);
/* policy_mend.c: known faults of the interpreter that would give a snippet its memory. */
int guest_mend_interpreter(void);
/* policy_audit.c: an audit hook, which Python code cannot remove. */
int guest_watch(void);

#endif
