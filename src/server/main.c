/* belljard: reads its options, and becomes the keeper.
 * Its own file because main only wires.
 * Changes when: belljard can be asked for something more. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "server/config_host.h"
#include "server/keeper.h"
#include "server/token.h"

#define DEFAULT_CONFIG "/etc/belljar/belljard.json"

static const char usage_text[] =
    "usage: belljard [--config FILE] [--check-config | --self-test]\n"
    "       belljard --hash-token < FILE\n"
    "       belljard --new-token NAME\n"
    "\n"
    "Serves runs of untrusted programs over HTTP and unix sockets: belljard(8).\n"
    "\n"
    "  --config FILE     what is served, and to whom: belljard.json(5)\n"
    "                    (default: " DEFAULT_CONFIG ", and without that, its defaults)\n"
    "  --check-config    says what is wrong with it, or prints it with every default\n"
    "  --self-test       starts the service without listeners, tries its walls, and says what held\n"
    "  --hash-token      reads a token from stdin and prints what the configuration holds of it\n"
    "  --new-token NAME  makes a token: prints it, and the line for the configuration\n"
    "  --version, --help\n";

enum action { RUN, CHECK, HASH, NEW, SHOWN, WRONG };

static int fail(const char *text)
{
    (void)fprintf(stderr, "belljard: %s; see belljard --help\n", text);
    return 2;
}

static int finish_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

static void print_advice(const char *text, void *user)
{
    (void)user;
    (void)fprintf(stderr, "belljard: note: %s\n", text);
}

static int check_config(const struct bj_keeper_options *options)
{
    struct bj_config *config = NULL;
    struct bj_error err = {0};
    if (bj__keeper_read(options, &config, &err) < 0) {
        (void)fprintf(stderr, "belljard: %s: %s%s%s\n", options->config_path, err.field,
                      err.field[0] ? ": " : "", err.message);
        return 1;
    }
    BJ_FREE char *text = bj__config_text(config);
    bj__config_advise(config, print_advice, NULL);
    bj__config_free(config);
    if (!text || puts(text) < 0)
        return 1;
    return finish_output();
}

/* One line; the newline is no part of it. */
static int hash_token(void)
{
    char token[BJ_TOKEN_MAX + 1];
    char hex[BJ_TOKEN_HEX];
    unsigned char hash[BJ_TOKEN_HASH];
    size_t length = fread(token, 1, sizeof(token), stdin);
    if (length > 0 && token[length - 1] == '\n')
        length--;
    if (length == 0 || length == sizeof(token) || memchr(token, '\n', length) || memchr(token, 0, length))
        return fail("a token is one line of at most 1023 bytes on stdin");
    bj__token_hash(token, length, hash);
    bj__token_hex(hash, hex);
    explicit_bzero(token, sizeof(token));
    (void)printf("\"sha256\": \"%s\"\n", hex);
    return finish_output();
}

static int new_token(const char *name)
{
    char token[BJ_TOKEN_SIZE];
    char hex[BJ_TOKEN_HEX];
    unsigned char hash[BJ_TOKEN_HASH];
    if (!bj__token_name_ok(name))
        return fail("a token's name is 1 to 63 letters, digits, '.', '-' and '_'");
    if (bj__token_new(token) < 0)
        return fail("the kernel has no random bytes");
    bj__token_hash(token, strlen(token), hash);
    bj__token_hex(hash, hex);
    (void)printf("%s\n{\"name\": \"%s\", \"sha256\": \"%s\"}\n", token, name, hex);
    explicit_bzero(token, sizeof(token));
    return finish_output();
}

static enum action read_option(int option, struct bj_keeper_options *options, const char **name)
{
    switch (option) {
    case 'c':
        options->config_path = optarg;
        options->config_optional = false;
        return RUN;
    case 'k':
        return CHECK;
    case 's':
        options->self_test = true;
        return RUN;
    case 't':
        return HASH;
    case 'n':
        *name = optarg;
        return NEW;
    case 'v':
        return puts("belljard " BJ_VERSION) < 0 || finish_output() ? WRONG : SHOWN;
    case 'h':
        return fputs(usage_text, stdout) < 0 || finish_output() ? WRONG : SHOWN;
    default:
        return WRONG;
    }
}

static enum action read_options(int argc, char **argv, struct bj_keeper_options *options, const char **name)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"check-config", no_argument, NULL, 'k'},
                                          {"self-test", no_argument, NULL, 's'},
                                          {"hash-token", no_argument, NULL, 't'},
                                          {"new-token", required_argument, NULL, 'n'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    enum action action = RUN;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        enum action asked = read_option(option, options, name);
        if (asked == WRONG || asked == SHOWN)
            return asked;
        if (asked != RUN)
            action = asked;
    }
    return optind < argc ? WRONG : action;
}

/* A descriptor 0, 1 or 2 that is closed would be given to the first socket, and lines of the log would go there. */
static bool fill_standard_seats(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct bj_keeper_options options = {.config_path = DEFAULT_CONFIG, .config_optional = true};
    const char *name = NULL;
    if (!fill_standard_seats())
        return 2;
    switch (read_options(argc, argv, &options, &name)) {
    case RUN:
        return bj__keeper_run(&options);
    case CHECK:
        return check_config(&options);
    case HASH:
        return hash_token();
    case NEW:
        return new_token(name);
    case SHOWN:
        return 0;
    case WRONG:
    default:
        return fail("that is no option, or a value is missing");
    }
}
