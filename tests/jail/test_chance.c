/* Chance that two guests must not share: forks of one warm interpreter, and branches of a session.
 * Its own file because it is about the generators of libraries, which know in ways of their own that they were forked.
 * Changes when: another library's generator is common in guests. */
#include "session_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FORKS    4
#define WORDS    16
#define LACKS    77
#define FORKED   2 /* the number of every fork's program in its own namespace */
#define ASK_LAST "/proc/sys/kernel/ns_last_pid"
#define NUMPY    "/usr/lib/python3/dist-packages/numpy"

static char directory[] = "/tmp/belljar-chance-XXXXXX";

/* Imported beforehand, and drawn from there: every generator has a state when it is forked. */
static const char drawn[] = "import os, random, secrets, ssl, uuid\n"
                            "number = os.getpid()\n"
                            "random.random(), secrets.token_hex(), uuid.uuid4(), ssl.RAND_bytes(16)\n"
                            "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
                            "try:\n"
                            "    import numpy\n"
                            "    numpy.random.random(), numpy.random.default_rng().random()\n"
                            "except ImportError: pass\n";

/* What comes from the kernel or from OpenSSL; then what a session's branches may have in common. */
static const char secret_words[] =
    "import os, random, secrets, ssl, sys, tempfile, uuid\n"
    "words = [os.urandom(8).hex(), os.getrandom(8).hex(), random.SystemRandom().random(), "
    "random.Random().random(),\n"
    "         secrets.token_hex(), uuid.uuid4(), ssl.RAND_bytes(16).hex(), open('/dev/urandom', "
    "'rb').read(8).hex()]\n"
    "if 'numpy' in sys.modules:\n"
    "    import numpy\n"
    "    words += [numpy.random.default_rng().random(), numpy.random.RandomState().random()]\n";
static const char common_words[] = "words += [random.random(), next(tempfile._get_candidate_names())]\n"
                                   "if 'numpy' in sys.modules: words += [numpy.random.random()]\n";
static const char tell[] = "print(*words)\n";

static struct bj_spec *spec_with(const char *module)
{
    const char *const modules[] = {module, NULL};
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    if (bj_spec_from_profile("python-packages", &spec, &err) < 0 ||
        bj_spec_add_mount(spec, directory, "/chance", "ro", &err) < 0 ||
        bj_spec_add_python_path(spec, "/chance", &err) < 0 || bj_spec_set_preload(spec, modules, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    return spec;
}

/* The words that it printed, one after the other, each ended by 0; how many. */
static int words_of(struct bj_result *result, char words[WORDS][80])
{
    size_t length = 0;
    int count = 0;
    char text[WORDS * 80];
    char *rest = NULL;
    const char *output = bj_result_output(result, BJ_STDOUT, &length);
    if (bj_result_status(result) != BJ_STATUS_OK || length >= sizeof(text))
        fail_msg("%s", bj_result_json(result));
    memcpy(text, output, length);
    text[length] = 0;
    for (char *word = strtok_r(text, " \n", &rest); word && count < WORDS; word = strtok_r(NULL, " \n", &rest))
        (void)snprintf(words[count++], sizeof(words[0]), "%s", word);
    bj_result_free(result);
    return count;
}

/* Of each word, none is another's. */
static void assert_not_shared(char words[FORKS][WORDS][80], const int counts[FORKS], int at_least)
{
    for (int one = 0; one < FORKS; one++) {
        assert_in_range(counts[one], at_least, WORDS);
        assert_int_equal(counts[one], counts[0]);
        for (int other = 0; other < one; other++)
            for (int word = 0; word < counts[0]; word++)
                if (strcmp(words[one][word], words[other][word]) == 0)
                    fail_msg("%d and %d share their word %d: %s", other, one, word, words[one][word]);
    }
}

static void draw_from_forks(struct bj_pool *pool)
{
    static char words[FORKS][WORDS][80];
    int counts[FORKS];
    char code[2048];
    (void)snprintf(code, sizeof(code), "%s%s%s", secret_words, common_words, tell);
    for (int i = 0; i < FORKS; i++)
        counts[i] = words_of(finish(start(pool, code)), words[i]);
    assert_not_shared(words, counts, access(NUMPY, F_OK) == 0 ? 13 : 10);
}

static void forks_share_no_chance(void **state)
{
    (void)state;
    struct bj_pool *pool = make_pool(spec_with("drawn"), 2);
    draw_from_forks(pool);
    bj_pool_free(pool);
}

/* It is the pool's (SECURITY.md), and no other pool's. */
static void the_seed_of_hashes_is_the_pools(void **state)
{
    (void)state;
    char words[2][WORDS][80];
    for (int i = 0; i < 2; i++) {
        struct bj_pool *pool = make_pool(template_spec(), 1);
        assert_int_equal(words_of(finish(start(pool, "print(hash('x'), hash(b'y'))")), words[i]), 2);
        bj_pool_free(pool);
    }
    assert_string_not_equal(words[0][0], words[1][0]);
    assert_string_not_equal(words[0][1], words[1][1]);
}

/* OpenSSL 3 knows by getpid(2) alone that it was forked. The first child of a container's first process has the number that
 * the program of each jail has. */
static void the_zygote_has_no_forks_number(void **state)
{
    (void)state;
    struct bj_spec *spec = spec_with("drawn");
    struct bj_pool *pool = NULL;
    struct bj_error err = {0};
    char words[WORDS][80];
    char number[8];
    int fd = open(ASK_LAST, O_WRONLY | O_CLOEXEC);
    (void)snprintf(number, sizeof(number), "%d", FORKED - 1);
    if (fd < 0 || write(fd, number, strlen(number)) < 0 || close(fd) < 0)
        exit(LACKS);
    if (bj_pool_new(spec, 2, &pool, &err) < 0)
        fail_msg("%s: %s", err.field, err.message);
    bj_spec_free(spec);
    assert_int_equal(words_of(finish(start(pool, "import drawn, os\nprint(drawn.number, os.getpid())")), words),
                     2);
    assert_int_equal(strtol(words[1], NULL, 10), FORKED);
    assert_int_equal(strtol(words[0], NULL, 10), FORKED + 1); /* one had it, and was started again */
    draw_from_forks(pool);
    bj_pool_free(pool);
}

/* As the first process of a pid namespace; only the kernel may number its children. */
static void run_inside(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_zygote_has_no_forks_number)};
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        _exit(LACKS);
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* the outer one's says what passed */
    exit(cmocka_run_group_tests_name("inside", tests, NULL, NULL));
}

static void the_first_child_of_a_container_is_no_zygote(void **state)
{
    (void)state;
    int status = 0;
    (void)fflush(NULL); /* what is buffered is told once */
    pid_t outer = fork();
    if (outer == 0) {
        if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(LACKS);
        pid_t inner = fork();
        if (inner == 0)
            run_inside();
        _exit(inner > 0 && waitpid(inner, &status, 0) == inner && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    assert_true(outer > 0);
    assert_int_equal(waitpid(outer, &status, 0), outer);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == LACKS) {
        print_message("host lacks a pid namespace of the test's own, whose numbers it may choose\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The state of random comes along, as that of any object does (libbelljar(3)); what the kernel and OpenSSL give does not. */
static void branches_share_no_secrets(void **state)
{
    (void)state;
    static char words[FORKS][WORDS][80];
    int counts[FORKS];
    unsigned branches[FORKS] = {1};
    char code[2048];
    struct bj_session *session = make_session(spec_with("drawn"));
    (void)snprintf(code, sizeof(code), "import drawn\n%s%s", secret_words,
                   tell); /* every generator has a state */
    (void)words_of(finish(start_in(session, 1, code)), words[0]);
    unsigned snapshot = snapshot_of(session, 1);
    for (int i = 1; i < FORKS; i++)
        branches[i] = fork_of(session, i < 3 ? 1 : branches[2]); /* and one of a branch */
    (void)snprintf(code, sizeof(code), "%s%s", secret_words, tell);
    for (int i = 0; i < FORKS; i++)
        counts[i] = words_of(finish(start_in(session, branches[i], code)), words[i]);
    assert_not_shared(words, counts, access(NUMPY, F_OK) == 0 ? 10 : 8);
    for (int i = 1; i < FORKS; i++) { /* of one snapshot, one after the other */
        restore(session, branches[i], snapshot);
        counts[i] = words_of(finish(start_in(session, branches[i], code)), words[i]);
    }
    assert_not_shared(words, counts, access(NUMPY, F_OK) == 0 ? 10 : 8);
    bj_session_free(session);
}

static int write_module(void **state)
{
    (void)state;
    char path[64];
    if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/drawn.py", directory);
    FILE *file = fopen(path, "we");
    int r = file && fputs(drawn, file) >= 0 ? 0 : -1;
    return file && fclose(file) == 0 && chmod(path, 0644) == 0 ? r : -1;
}

static int remove_module(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/drawn.py", directory);
    return unlink(path) < 0 || rmdir(directory) < 0 ? -1 : 0;
}

int main(void)
{
    struct bj_error err = {0};
    find_guest();
    if (host_lacks(&err))
        return printf("1..0 # SKIP host lacks what a pool needs: %s\n", err.message) < 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_share_no_chance),
        cmocka_unit_test(the_seed_of_hashes_is_the_pools),
        cmocka_unit_test(the_first_child_of_a_container_is_no_zygote),
        cmocka_unit_test(branches_share_no_secrets),
    };
    return cmocka_run_group_tests(tests, write_module, remove_module);
}
