/* Probes of the walls, before anybody is served.
 * Its own file because a wall that was switched off by mistake is found here, and nowhere else in time.
 * Changes when: there is another wall that every service must have.
 *
 * Each probe tries, in a jail of the profile, what must not work, and says what did. Nothing is proved by that but that no wall is
 * missing as a whole: that they hold is what the tests are for. */
#include "broker/broker.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* What worked is written to stdout, a line each; nothing is what a good jail of any profile leaves it at. Python's needs no module that is
 * not part of the interpreter. */
static const char python_probe[] =
    "import os, sys\n"
    "found = []\n"
    "def works(name, function, *arguments):\n"
    "    try:\n"
    "        function(*arguments)\n"
    "    except BaseException:\n"
    "        return\n"
    "    found.append(name)\n"
    "if sum(range(10)) != 45: found.append('function')\n"
    "works('disk: a file was made in /usr', open, '/usr/belljar-self-test', 'w')\n"
    "works('disk: /etc/shadow could be read', open, '/etc/shadow')\n"
    "works('disk: /root could be listed', os.listdir, '/root')\n"
    "works('other runs: the broker can be signalled', os.kill, SELF, 0)\n"
    "def outside():\n"
    "    if any(int(name) > 100000 or int(name) not in (1, 2, os.getpid()) for name in os.listdir('/proc') if "
    "name.isdigit()):\n"
    "        return\n"
    "    raise OSError\n"
    "works('other runs: processes can be seen', outside)\n"
    "works('privileges: uid 0 could be had', os.setuid, 0)\n"
    "def connect():\n"
    "    import _socket\n"
    "    one = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)\n"
    "    one.settimeout(0.2)\n"
    "    one.connect(('127.0.0.1', 1))\n"
    "def reachable():\n"
    "    try:\n"
    "        connect()\n"
    "    except ConnectionRefusedError:\n"
    "        return\n"
    "if not NETWORK: works('network: loopback could be reached', reachable)\n";

static const char shell_probe[] =
    "if (: > /usr/belljar-self-test) 2>/dev/null; then echo 'disk: a file was made in /usr'; fi\n"
    "if (: < /etc/shadow) 2>/dev/null; then echo 'disk: /etc/shadow could be read'; fi\n"
    "if kill -0 $0 2>/dev/null; then echo 'other runs: the broker can be signalled'; fi\n";

enum verdict { HELD, FELL, NOT_TRIED };

/* How what a probe says begins, and what whoever serves the profile can do about it. */
static const struct {
    const char *says, *fix;
} fixes[] = {
    {"disk: a file was made in /usr", "mount /usr read-only in this profile"},
    {"disk: /etc/shadow", "mount less of the host's /etc in this profile"},
    {"disk: /root", "mount nothing of /root in this profile"},
    {"other runs: ",
     "processes of the host are visible: see \"belljar doctor\", and mount no /proc in this profile"},
    {"privileges: ", "a jail has more than one user: see \"belljar doctor\""},
    {"network: ", "give this profile \"network\": \"none\", and see \"belljar doctor\""},
    {"", "\"belljar doctor\" and \"belljar run --profile NAME true\" say more"},
};

static int set_probe(struct bj_spec *spec, bool python, struct bj_error *err)
{
    char head[128];
    char self[24];
    (void)snprintf(self, sizeof(self), "%ld", (long)getpid());
    if (!python) {
        const char *const command[] = {"/bin/sh", "-c", shell_probe, self, NULL};
        return bj_spec_set_command(spec, command, err);
    }
    (void)snprintf(head, sizeof(head), "SELF = %s\nNETWORK = %s\n", self,
                   spec->network == BJ_NETWORK_NONE ? "False" : "True");
    BJ_BUF struct bj_buf code;
    bj__buf_init(&code, 65536);
    if (bj__buf_printf(&code, "%s%sprint('\\n'.join(found))\n", head, python_probe) < 0)
        return bj__error_memory(err);
    return bj_spec_set_code(spec, (const char *)code.bytes, err);
}

static int run_probe(const struct bj_spec *profile, bool python, struct bj_result **ret_result,
                     struct bj_error *err)
{
    BJ_CLEANUP(bj__spec_free_pointer) struct bj_spec *spec = NULL;
    struct bj_plan *plan = NULL;
    int r = bj__spec_copy(profile, &spec, err);
    if (r == 0)
        r = set_probe(spec, python, err);
    if (r == 0)
        r = bj_plan_new(spec, &plan, err);
    if (r == 0)
        r = bj_run_plan(plan, ret_result, err);
    bj_plan_free(plan);
    return r;
}

static const char *fix_for(const char *why)
{
    size_t n = 0;
    while (strncmp(why, fixes[n].says, strlen(fixes[n].says)) != 0)
        n++;
    return fixes[n].fix;
}

/* Lines of a guest's, as one. */
static void copy_lines(char *to, size_t size, const char *lines, size_t length)
{
    size_t used = 0;
    for (size_t n = 0; n < length && used + 3 < size; n++) {
        to[used++] = lines[n] == '\n' ? ',' : lines[n];
        if (lines[n] == '\n')
            to[used++] = ' ';
    }
    to[used] = 0;
}

/* What the probe wrote, or why it could not. */
static enum verdict judge(const struct bj_result *result, char *why, size_t size)
{
    size_t length;
    const char *out = bj_result_output(result, BJ_STDOUT, &length);
    enum bj_status status = bj_result_status(result);
    while (length > 0 && out[length - 1] == '\n')
        length--;
    if (status == BJ_STATUS_OK && length == 0)
        return HELD;
    if (status == BJ_STATUS_OK)
        copy_lines(why, size, out, length);
    else
        (void)snprintf(why, size, "the probe itself did not run: %s", bj_status_name(status));
    return status == BJ_STATUS_OK ? FELL : NOT_TRIED;
}

static enum verdict probe(const struct bj_stock *stock, char *why, size_t size)
{
    struct bj_error error = {0};
    enum verdict verdict = NOT_TRIED;
    (void)snprintf(why, size, "its own program is all that it runs");
    if (stock->spec->command.count > 0 || stock->spec->code || stock->spec->expression)
        return HELD;
    for (int python = 1; python >= 0 && verdict == NOT_TRIED; python--) {
        struct bj_result *result = NULL;
        if (run_probe(stock->spec, python, &result, &error) < 0)
            (void)snprintf(why, size, "%.200s", error.message);
        else
            verdict = judge(result, why, size);
        bj_result_free(result);
    }
    return verdict;
}

void bj__self_test(struct bj_broker *broker)
{
    broker->ready = true;
    broker->unready[0] = 0;
    for (size_t n = 0; n < broker->stock_count; n++) {
        char why[224];
        const struct bj_stock *stock = &broker->stocks[n];
        enum verdict verdict = probe(stock, why, sizeof(why));
        if (verdict == HELD) {
            bj__log_say(&broker->log, BJ_LOG_INFO, "self_test", "%s: held", stock->name);
            continue;
        }
        bj__log_say(&broker->log, BJ_LOG_ERROR, "self_test", "%s: %s; %s", stock->name, why, fix_for(why));
        if (broker->ready) /* the first one is told */
            (void)snprintf(broker->unready, sizeof(broker->unready), "%.63s: %.190s; %.120s", stock->name, why,
                           fix_for(why));
        broker->ready = false;
    }
}
