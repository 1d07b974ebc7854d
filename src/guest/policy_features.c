/* What each feature brings: modules with their names, and built-ins.
 * Its own file because it is a table that is read against pysandbox's documentation.
 * Changes when: a feature brings something more, or Python has another name for it.
 *
 * What a version of Python lacks is left out. "*" is everything public. What pysandbox left out on purpose is left out: time.sleep,
 * strptime and tzset, and the state of the random generator. */
#include "policy.h"

#define BIT(name) (1u << BJ_FEATURE_##name)

static const struct {
    uint32_t with, brings;
} together[] = {
    {BIT(INTERPRETER),
     BIT(TRACEBACK) | BIT(STDIN) | BIT(STDOUT) | BIT(STDERR) | BIT(EXIT) | BIT(SITE) | BIT(ENCODINGS)},
    {BIT(DEBUG_SANDBOX), BIT(TRACEBACK)},
    {BIT(ENCODINGS), BIT(CODECS)},
    {BIT(HELP), BIT(REGEX)},
};

static const struct {
    enum bj_feature feature;
    const char *module, *names;
} modules[] = {
    {BJ_FEATURE_CODECS, "codecs",
     "BOM BOM_BE BOM_LE BOM_UTF8 BOM_UTF16 BOM_UTF16_BE BOM_UTF16_LE BOM_UTF32 BOM_UTF32_BE BOM_UTF32_LE "
     "CodecInfo encode decode "
     "lookup getencoder getdecoder getincrementalencoder getincrementaldecoder iterencode iterdecode"},
    {BJ_FEATURE_DATETIME, "datetime", "MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo"},
    {BJ_FEATURE_DEBUG_SANDBOX, "sys", "_getframe"},
    {BJ_FEATURE_ENCODINGS, "encodings", "ascii latin_1 utf_8 utf_16_be utf_32_be rot_13"},
    {BJ_FEATURE_ENCODINGS, "encodings.ascii", "*"},
    {BJ_FEATURE_ENCODINGS, "encodings.latin_1", "*"},
    {BJ_FEATURE_ENCODINGS, "encodings.utf_8", "*"},
    {BJ_FEATURE_ENCODINGS, "encodings.utf_16_be", "*"},
    {BJ_FEATURE_ENCODINGS, "encodings.utf_32_be", "*"},
    {BJ_FEATURE_ENCODINGS, "encodings.rot_13", "*"},
    {BJ_FEATURE_EXIT, "sys", "exit"},
    {BJ_FEATURE_FUTURE, "__future__",
     "all_feature_names absolute_import annotations barry_as_FLUFL division generator_stop generators "
     "nested_scopes print_function "
     "unicode_literals with_statement"},
    {BJ_FEATURE_HASHLIB, "hashlib",
     "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 shake_128 shake_256 blake2b "
     "blake2s"},
    {BJ_FEATURE_HELP, "pydoc", "help"},
    {BJ_FEATURE_INTERPRETER, "sys",
     "api_version byteorder copyright float_info hexversion int_info maxsize maxunicode ps1 ps2 version "
     "version_info"},
    {BJ_FEATURE_ITERTOOLS, "itertools", "*"},
    {BJ_FEATURE_MATH, "math", "*"},
    {BJ_FEATURE_RANDOM, "random",
     "betavariate binomialvariate choice choices expovariate gammavariate gauss getrandbits lognormvariate "
     "normalvariate paretovariate "
     "randbytes randint random randrange sample shuffle triangular uniform vonmisesvariate weibullvariate"},
    {BJ_FEATURE_REGEX, "re",
     "A ASCII DOTALL I IGNORECASE L LOCALE M MULTILINE Match Pattern PatternError RegexFlag S U UNICODE "
     "VERBOSE X compile error escape "
     "findall finditer fullmatch match search split sub subn"},
    {BJ_FEATURE_REGEX, "sre_parse", "parse"},
    {BJ_FEATURE_STDERR, "sys", "stderr"},
    {BJ_FEATURE_STDIN, "sys", "stdin"},
    {BJ_FEATURE_STDOUT, "sys", "stdout"},
    {BJ_FEATURE_TIME, "time",
     "altzone asctime ctime daylight get_clock_info gmtime localtime mktime monotonic monotonic_ns "
     "perf_counter perf_counter_ns "
     "process_time process_time_ns strftime struct_time time time_ns timezone tzname"},
    {BJ_FEATURE_TRACEBACK, "sys", "exc_info"},
    {BJ_FEATURE_TRACEBACK, "traceback",
     "format_exc format_exception format_exception_only format_list format_tb print_exc"},
    {BJ_FEATURE_UNICODEDATA, "unicodedata", "*"},
};

static const struct {
    enum bj_feature feature;
    const char *names;
} builtins[] = {
    {BJ_FEATURE_EXIT, "BaseException KeyboardInterrupt SystemExit BaseExceptionGroup exit quit"},
    {BJ_FEATURE_HELP, "help"},
    {BJ_FEATURE_SITE, "copyright credits license"},
    {BJ_FEATURE_STDIN, "input"},
};

/* Of the types and functions; exceptions are kept all but those above. open, __import__ and the like are made anew. */
static const char kept[] = "__build_class__ __name__ False None NotImplemented True abs aiter all anext any "
                           "ascii bin bool bytearray bytes callable chr "
                           "classmethod complex delattr dict dir divmod enumerate eval exec filter float "
                           "format frozenset getattr globals hasattr hash hex id "
                           "int isinstance issubclass iter len list locals map max memoryview min next object "
                           "oct ord pow print property range repr reversed "
                           "round set setattr slice sorted staticmethod str sum super tuple type vars zip";

/* RestrictedPython's safe_builtins and what its hosts add to them. */
static const char kept_restricted[] = "__build_class__ __name__ False None NotImplemented True abs all any "
                                      "ascii bin bool bytes callable chr complex dict divmod enumerate "
                                      "filter float format frozenset hash hex id int isinstance issubclass "
                                      "iter len list map max min next oct ord pow print property range "
                                      "repr reversed round set slice sorted staticmethod str sum tuple zip";

static bool is_word_of(const char *words, const char *word, size_t length)
{
    for (const char *at = words; (at = strstr(at, word)); at++)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool guest_is_builtin_kept(const char *name)
{
    if (is_word_of(guest_policy.level == LEVEL_RESTRICTED ? kept_restricted : kept, name, strlen(name)))
        return true;
    for (size_t i = 0; i < BJ_COUNT(builtins); i++)
        if (guest_has_feature(builtins[i].feature) && is_word_of(builtins[i].names, name, strlen(name)))
            return true;
    return false;
}

const char *guest_feature_name(enum bj_feature feature)
{
    static const char *const names[] = {
#define X(name, text, doc) text,
#include "spec/features.def"
#undef X
    };
    return names[feature];
}

const char *guest_feature_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; !dot && i < BJ_COUNT(builtins); i++)
        if (is_word_of(builtins[i].names, name, strlen(name)))
            return guest_feature_name(builtins[i].feature);
    for (size_t i = 0; i < BJ_COUNT(modules); i++) {
        size_t length = strlen(modules[i].module);
        if (strcmp(modules[i].module, name) == 0 && strcmp(name, "sys") != 0) /* of which each has a part */
            return guest_feature_name(modules[i].feature);
        if (dot && strncmp(modules[i].module, name, length) == 0 && name + length == dot &&
            is_word_of(modules[i].names, dot + 1, strlen(dot + 1)))
            return guest_feature_name(modules[i].feature);
    }
    return NULL;
}

static int add_names(const char *module, const char *names)
{
    PyObject *name = PyUnicode_FromString(module);
    PyObject *text = PyUnicode_FromString(names);
    PyObject *words = text ? PyUnicode_Split(text, NULL, -1) : NULL;
    PyObject *present = name ? PyDict_GetItemWithError(guest_policy.modules, name) : NULL; /* borrowed */
    PyObject *set = words ? PySet_New(present) : NULL;
    PyObject *done = set ? PyObject_CallMethod(set, "update", "O", words) : NULL;
    PyObject *frozen = done ? PyFrozenSet_New(set) : NULL;
    int r = frozen ? PyDict_SetItem(guest_policy.modules, name, frozen) : -1;
    Py_XDECREF(frozen);
    Py_XDECREF(done);
    Py_XDECREF(set);
    Py_XDECREF(words);
    Py_XDECREF(text);
    Py_XDECREF(name);
    return r;
}

int guest_add_feature_modules(void)
{
    int r = 0;
    for (size_t i = 0; i < BJ_COUNT(together); i++)
        if (guest_policy.features & together[i].with)
            guest_policy.features |= together[i].brings;
    for (size_t i = 0; r == 0 && i < BJ_COUNT(modules); i++)
        if (guest_has_feature(modules[i].feature))
            r = add_names(modules[i].module, modules[i].names);
    return r;
}
