/* belljar profiles: which there are, and what each says.
 * Its own file because the list is for people and for completion, one line each.
 * Changes when: profiles can be asked about in another way. */
#include "cli/cli.h"

static int print_one(const char *name)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    int status = CLI_FAILED;

    if (bj_spec_from_profile(name, &spec, &err) < 0) {
        bj__say_error(CLI_PROFILES, &err);
        return CLI_FAILED;
    }
    BJ_FREE char *text = bj_spec_json(spec);
    if (text)
        status = bj__print(CLI_PROFILES, text);
    else
        bj__say("belljar: profiles: out of memory");
    bj_spec_free(spec);
    return status;
}

int bj__cmd_profiles(const struct options *options)
{
    if (options->rest_count > 1) {
        bj__say("belljar: profiles: \"%s\": one name at a time", options->rest[1]);
        return CLI_FAILED;
    }
    if (options->rest_count)
        return print_one(options->rest[0]);
    BJ_FREE char *text = bj_profiles(options->json);
    if (text)
        return bj__print(CLI_PROFILES, text);
    bj__say("belljar: profiles: out of memory");
    return CLI_FAILED;
}
