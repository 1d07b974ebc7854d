/* The doctor's findings as text for people and as JSON.
 * Its own file because the two shapes change with readers, not with kernels.
 * Changes when: the text or the JSON of `belljar doctor` changes. */
#include "base/buf.h"
#include "host/doctor.h"
#include "spec/json_text.h"

#include <jansson.h>

#define TEXT_MAXIMUM 65536u

static const char *privilege_of(const struct bj_host *host)
{
    if (host->root)
        return "root";
    if (host->maps_ids)
        return "container_root";
    return host->uid == 0 ? "namespace_root" : "user";
}

static const char *privilege_text(const struct bj_host *host)
{
    if (host->root)
        return "root: each run has ids of its own";
    if (host->maps_ids)
        return "root without CAP_SYS_ADMIN: each run has ids of its own";
    return host->uid == 0 ? "root without the ids of the range: as an ordinary user"
                          : "ordinary user: every run has this user's id outside";
}

/* One line, and the fix on its own, unless the one just told (*last_fix) is the same. */
static int add_finding(struct bj_buf *out, const char *name, const char *wanted,
                       const struct bj_finding *finding, const char **last_fix)
{
    const char *note = finding->on && finding->detail[0] ? finding->detail : finding->problem;
    int r = bj__buf_printf(out, "%-17s %-8s %s", name, wanted, finding->on ? "on" : "missing");
    if (r == 0)
        r = *note ? bj__buf_printf(out, "%s%s\n", finding->on ? "       " : "  ", note)
                  : bj__buf_add(out, "\n", 1);
    if (r == 0 && finding->on && finding->detail[0] && finding->problem[0])
        r = bj__buf_printf(out, "%-35s %s\n", "", finding->problem); /* in part */
    if (r == 0 && finding->fix && (!*last_fix || strcmp(*last_fix, finding->fix) != 0))
        r = bj__buf_printf(out, "%-35s fix: %s\n", "", finding->fix);
    if (finding->fix)
        *last_fix = finding->fix;
    return r;
}

static int add_head(struct bj_buf *out, const struct bj_diagnosis *diagnosis)
{
    const char *container = bj__engine_name(diagnosis->trial.around.engine);
    int r = bj__buf_printf(out, "kernel            Linux %s\n", diagnosis->kernel);
    if (r == 0 && diagnosis->probed)
        r = bj__buf_printf(out, "privilege         %s\n", privilege_text(&diagnosis->host));
    if (r == 0)
        r = bj__buf_printf(out, "container         %s%s\n", container ? container : "none seen",
                           diagnosis->trial.around.filter ? ", with a seccomp filter" : "");
    if (r == 0)
        r = bj__buf_printf(out, "profile           %s\n\n",
                           diagnosis->spec ? diagnosis->spec->profile : "none");
    return r;
}

static int add_layers(struct bj_buf *out, const struct bj_diagnosis *diagnosis)
{
    const char *last_fix = NULL;
    int r = bj__buf_printf(out, "%-17s %-8s %s\n", "LAYER", "WANTED", "HERE");
    for (enum bj_layer layer = 0; r == 0 && layer < BJ_LAYER__COUNT; layer++)
        r = add_finding(out, bj__layer_name(layer), bj__mode_name(diagnosis->layers[layer].mode),
                        &diagnosis->layers[layer], &last_fix);
    if (r == 0)
        r = add_finding(out, "/proc", diagnosis->proc.mode == BJ_OFF ? "none" : "own", &diagnosis->proc,
                        &last_fix);
    return r;
}

char *bj__doctor_text(const struct bj_diagnosis *diagnosis)
{
    BJ_BUF struct bj_buf out;
    bj__buf_init(&out, TEXT_MAXIMUM);
    int r = add_head(&out, diagnosis);
    if (r == 0)
        r = diagnosis->probed ? add_layers(&out, diagnosis)
                              : bj__buf_printf(&out, "nothing can be run here: %s\n", diagnosis->problem);
    if (r == 0 && diagnosis->missing > 0)
        r = bj__buf_printf(&out, "\nmissing and required: %d. Nothing will be started until they are here.\n",
                           diagnosis->missing);
    else if (r == 0)
        r = bj__buf_printf(&out, "\nevery required layer is here\n");
    return r == 0 ? bj__buf_take(&out) : NULL;
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text && text[0] ? json_string(text) : NULL; /* NULL too for what is not UTF-8 */
    return value ? value : json_null();
}

static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value); /* takes value, also when it fails; refuses NULL */
}

static json_t *finding_json(const char *name, const char *wanted, const struct bj_finding *finding)
{
    json_t *object = json_object();
    if (set(object, "name", json_string(name)) || set(object, "mode", json_string(wanted)) ||
        set(object, "on", json_boolean(finding->on)) || set(object, "detail", text_or_null(finding->detail)) ||
        set(object, "problem", text_or_null(finding->problem)) ||
        set(object, "cause", text_or_null(bj__cause_name(finding->cause))) ||
        set(object, "fix", text_or_null(finding->fix))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *privilege_json(const struct bj_host *host)
{
    json_t *object = json_object();
    if (set(object, "mode", json_string(privilege_of(host))) || set(object, "uid", json_integer(host->uid)) ||
        set(object, "id_first", json_integer(host->id_first)) ||
        set(object, "id_count", json_integer(host->id_count))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *layers_json(const struct bj_diagnosis *diagnosis)
{
    json_t *list = json_array();
    int failed = 0;
    for (enum bj_layer layer = 0; diagnosis->probed && layer < BJ_LAYER__COUNT; layer++)
        failed |= json_array_append_new(list, finding_json(bj__layer_name(layer),
                                                           bj__mode_name(diagnosis->layers[layer].mode),
                                                           &diagnosis->layers[layer]));
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

char *bj__doctor_json(const struct bj_diagnosis *diagnosis)
{
    json_t *root = json_object();
    const char *proc = diagnosis->proc.mode == BJ_OFF ? "none" : "own";
    int failed =
        set(root, "version", json_string(BJ_VERSION)) || set(root, "kernel", text_or_null(diagnosis->kernel)) ||
        set(root, "privilege", diagnosis->probed ? privilege_json(&diagnosis->host) : json_null()) ||
        set(root, "container", text_or_null(bj__engine_name(diagnosis->trial.around.engine))) ||
        set(root, "seccomp_filter_around", json_boolean(diagnosis->trial.around.filter)) ||
        set(root, "profile", text_or_null(diagnosis->spec ? diagnosis->spec->profile : NULL)) ||
        set(root, "problem", text_or_null(diagnosis->problem)) || set(root, "layers", layers_json(diagnosis)) ||
        set(root, "proc", diagnosis->probed ? finding_json("proc", proc, &diagnosis->proc) : json_null()) ||
        set(root, "missing", json_integer(diagnosis->missing));
    char *text = failed ? NULL : bj__json_dump(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}
