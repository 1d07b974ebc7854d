/* The configuration of a service: the keys of the outermost object.
 * Its own file because the table below is the list of everything that an operator can say.
 * Changes when: a key is added (and then schema/belljard.schema.json as well). */
#include "server/config.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/config_internal.h"
#include "server/token.h"
#include "spec/check.h"

#define ARENA_MAX (32u << 20) /* a megabyte of text that is nothing but short names */

#define READER(verb)                                                                                           \
    static int verb(struct bj_reader *reader, const char *field, const json_t *value, void *target)

int bj__config_copy(struct bj_reader *reader, const char *field, const json_t *value, const char **ret_text)
{
    const char *text = NULL;
    int r = bj__json_text(reader, field, value, BJ_CONFIG_BYTES_MAX, &text);
    if (r == 0 && !text[0])
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "is empty; give a value, or leave it out");
    if (r == 0 && !(*ret_text = bj__arena_string(&bj__config_reader(reader)->config->arena, text)))
        return bj__error_memory(reader->err);
    return r;
}

int bj__config_number(struct bj_reader *reader, const char *field, const json_t *value, uint64_t maximum,
                      uint64_t *ret_number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return bj__json_wrong(reader, field, value, "a whole number");
    uint64_t number = (uint64_t)json_integer_value(value);
    if (number > maximum)
        return bj__error(reader->err, BJ_ERROR_INVALID, ERANGE, field,
                         "%llu is above the maximum; give at most %llu", (unsigned long long)number,
                         (unsigned long long)maximum);
    *ret_number = number;
    return 0;
}

static int check_minimum(struct bj_reader *reader, const char *field, uint64_t number, uint64_t minimum,
                         double unit)
{
    if (number >= minimum)
        return 0;
    return bj__error(reader->err, BJ_ERROR_INVALID, ERANGE, field,
                     "%.15g is below the minimum; give at least %.15g", (double)number / unit,
                     (double)minimum / unit);
}

struct range {
    uint64_t minimum, maximum;
};

static int read_count(struct bj_reader *reader, const char *field, const json_t *value, struct range range,
                      uint64_t *target)
{
    uint64_t number = 0;
    int r = bj__config_number(reader, field, value, range.maximum, &number);
    if (r == 0)
        r = check_minimum(reader, field, number, range.minimum, 1);
    *target = number;
    return r;
}

/* Microseconds, rounded; the double is exact enough for hours. */
static int read_seconds(struct bj_reader *reader, const char *field, const json_t *value, struct range range,
                        uint64_t *target)
{
    double seconds = json_number_value(value);
    if (!json_is_number(value) || !(seconds >= 0))
        return bj__json_wrong(reader, field, value, "a number of seconds, as 2 or 0.5");
    if (seconds > (double)range.maximum / 1e6)
        return bj__error(reader->err, BJ_ERROR_INVALID, ERANGE, field,
                         "%.15g is above the maximum; give at most %.15g", seconds,
                         (double)range.maximum / 1e6);
    *target = (uint64_t)(seconds * 1e6 + 0.5);
    return check_minimum(reader, field, *target, range.minimum, 1e6);
}

#define read_COUNT   read_count
#define read_SECONDS read_seconds
#define X(field_name, name, unit, minimum, maximum, otherwise)                                                 \
    READER(read_##field_name)                                                                                  \
    {                                                                                                          \
        return read_##unit(reader, field, value, (struct range){minimum, maximum},                             \
                           &((struct bj_config *)target)->field_name);                                         \
    }
BJ_CONFIG_NUMBER_LIST(X)
#undef X

READER(read_version)
{
    if (json_is_integer(value) && json_integer_value(value) == 1)
        return 0;
    return bj__json_wrong(reader, field, value, "1, the only version there is");
}

READER(read_default_profile)
{
    return bj__config_copy(reader, field, value, &((struct bj_config *)target)->default_profile);
}

READER(read_anonymous)
{
    return bj__json_bool(reader, field, value, &((struct bj_config *)target)->anonymous);
}

READER(read_anonymous_quota)
{
    return bj__config_read_quota(reader, field, value, &((struct bj_config *)target)->anonymous_quota);
}

/* null: none. */
READER(read_control_socket)
{
    bj__config_reader(reader)->control_given = true;
    if (json_is_null(value))
        return 0;
    return bj__config_copy(reader, field, value, &((struct bj_config *)target)->control_socket);
}

READER(read_user)
{
    const char **user = &((struct bj_config *)target)->user;
    int r = bj__config_copy(reader, field, value, user);
    if (r < 0)
        return r;
    if (strspn(*user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != strlen(*user) ||
        strlen(*user) > 63 || (*user)[0] == '-' || ((*user)[0] >= '0' && (*user)[0] <= '9'))
        return bj__json_wrong(reader, field, value, "the name of a user, as nobody");
    if (strcmp(*user, "root") == 0)
        return bj__error(reader->err, BJ_ERROR_INVALID, EINVAL, field,
                         "root is what belljar-front must not be; name another user, as nobody");
    return 0;
}

const struct bj_key bj__config_keys[] = {
    {"version", read_version, -1, false},
    {"listeners", bj__config_read_listeners, -1, false},
    {"profiles", bj__config_read_profiles, -1, false},
    {"default_profile", read_default_profile, -1, false},
    {"tokens", bj__config_read_tokens, -1, false},
    {"anonymous", read_anonymous, -1, false},
    {"anonymous_quota", read_anonymous_quota, -1, false},
    {"hosts", bj__config_read_hosts, -1, false},
    {"control_socket", read_control_socket, -1, false},
    {"user", read_user, -1, false},
#define X(field_name, name, unit, minimum, maximum, otherwise) {name, read_##field_name, -1, false},
    BJ_CONFIG_NUMBER_LIST(X)
#undef X
        {NULL, NULL, -1, false},
};

/* ---- entry ---------------------------------------------------------------------------------------- */

void bj__config_free(struct bj_config *config)
{
    if (!config)
        return;
    bj__arena_done(&config->arena);
    free(config);
}

static struct bj_config *new_config(void)
{
    struct bj_config *config = calloc(1, sizeof(*config));
    if (!config)
        return NULL;
    bj__arena_init(&config->arena, ARENA_MAX);
#define X(field_name, name, unit, minimum, maximum, otherwise) config->field_name = otherwise;
    BJ_CONFIG_NUMBER_LIST(X)
#undef X
    return config;
}

int bj__config_parse(const char *json, size_t length, struct bj_config **ret_config, struct bj_error *err)
{
    BJ_JSON json_t *root = NULL;
    struct bj_config_reader reader = {.reader = {.err = err}, .config = new_config()};
    if (!reader.config)
        return bj__error_memory(err);
    int r = bj__json_load(json, length, BJ_CONFIG_BYTES_MAX, &root, err);
    if (r == 0)
        r = bj__json_object(&reader.reader, "", root, bj__config_keys, reader.config);
    if (r == 0)
        r = bj__config_defaults(&reader);
    if (r == 0)
        r = bj__config_check(reader.config, err);
    if (r < 0)
        bj__config_free(reader.config);
    else
        *ret_config = reader.config;
    return r;
}

/* Who can write to it decides what is run here. */
static int check_file(const char *path, const struct stat *status, struct bj_error *err)
{
    if (!S_ISREG(status->st_mode))
        return bj__error(err, BJ_ERROR_INVALID, EINVAL, "", "%.150s is not a file; name one", path);
    if (status->st_size > BJ_CONFIG_BYTES_MAX)
        return bj__error(err, BJ_ERROR_INVALID, E2BIG, "", "%.150s has %lld bytes; at most %u are read", path,
                         (long long)status->st_size, BJ_CONFIG_BYTES_MAX);
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return bj__error(err, BJ_ERROR_INVALID, EPERM, "",
                         "%.150s belongs to another user, who could change it; fix: chown root %.150s", path,
                         path);
    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return bj__error(err, BJ_ERROR_INVALID, EPERM, "",
                         "%.150s may be written by others (mode %04o); fix: chmod go-w %.150s", path,
                         (unsigned)status->st_mode & 07777, path);
    return 0;
}

int bj__config_read(const char *path, struct bj_config **ret_config, struct bj_error *err)
{
    BJ_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return bj__error_system(err, errno, "", "cannot read %.150s", path);
    int r = check_file(path, &status, err);
    if (r < 0)
        return r;
    BJ_BUF struct bj_buf text;
    bj__buf_init(&text, BJ_CONFIG_BYTES_MAX);
    ssize_t n = 1;
    while (n > 0) {
        char piece[4096];
        n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            n = 1; /* nothing was read: once more */
        else if (n < 0)
            return bj__error_system(err, errno, "", "cannot read %.150s", path);
        else if (n > 0 && bj__buf_add(&text, piece, (size_t)n) < 0)
            return bj__error(err, BJ_ERROR_INVALID, E2BIG, "", "%.150s grew while it was read; try again",
                             path);
    }
    return bj__config_parse(text.bytes ? (const char *)text.bytes : "", text.length, ret_config, err);
}
