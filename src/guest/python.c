/* The interpreter: how it is set up, and how it ends.
 * Its own file because it is the only one that knows how CPython is embedded.
 * Changes when: CPython wants to be embedded in another way. */
#include "guest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void give_up(PyStatus status)
{
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
}

/* Isolated: no variable of the environment, no directory of the user and no script's folder has a say. UTF-8 whatever the
 * locale is. */
void guest_start_python(const char *environment)
{
    char executable[PATH_MAX];
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    give_up(Py_PreInitialize(&before));

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 1; /* Ctrl-C is a KeyboardInterrupt */
    config.write_bytecode = 0;
    config.pathconfig_warnings = 0;
    /* Of texts and bytes: it is made with the first of them. */
    config.use_hash_seed = guest_fixed_hash_seed(&config.hash_seed);
    give_up(PyConfig_SetString(&config, &config.program_name, L"python3"));
    if (environment) { /* where pyvenv.cfg is looked for beside (PEP 405); no program has to be there */
        if (snprintf(executable, sizeof(executable), "%s/bin/python3", environment) >= (int)sizeof(executable))
            give_up(PyStatus_Error("the path of the virtual environment is too long"));
        give_up(PyConfig_SetBytesString(&config, &config.executable, executable));
    }
    give_up(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
}

/* module: NULL if there is nothing to end. Takes the reference. */
static void call(PyObject *module, const char *function)
{
    PyObject *result = module ? PyObject_CallMethod(module, function, NULL) : NULL;
    if (module && !result)
        PyErr_WriteUnraisable(module);
    PyErr_Clear();
    Py_XDECREF(result);
    Py_XDECREF(module);
}

static PyObject *loaded(const char *name)
{
    PyObject *text = PyUnicode_FromString(name);
    PyObject *module = text ? PyImport_GetModule(text) : NULL;
    Py_XDECREF(text);
    return module;
}

static int flush(const char *name)
{
    PyObject *file = PySys_GetObject(name); /* borrowed */
    if (!file || file == Py_None)
        return 0;
    PyObject *result = PyObject_CallMethod(file, "flush", NULL);
    PyErr_Clear();
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static PyObject *at_exit; /* owned; built in, and only once it is imported it can be asked to run */

int guest_prepare_end(void)
{
    if (!at_exit)
        at_exit = PyImport_ImportModule("atexit");
    return at_exit ? 0 : -1;
}

int guest_flush(void)
{
    int out = flush("stdout");
    int err = flush("stderr");
    return out < 0 || err < 0 ? -1 : 0;
}

int guest_end_python(void)
{
    call(loaded("threading"), "_shutdown");
    if (guest_prepare_end() == 0)
        call(Py_NewRef(at_exit), "_run_exitfuncs");
    PyErr_Clear();
    return guest_flush();
}
