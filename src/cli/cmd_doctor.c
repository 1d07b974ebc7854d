/* belljar doctor: what this host can give, and what would give the rest.
 * Its own file because its exit status is an answer: 1 when a layer that the profile requires is missing.
 * Changes when: the doctor can be asked something else. */
#include "cli/cli.h"

int bj__cmd_doctor(const struct options *options)
{
    struct bj_spec *spec = NULL;
    struct bj_error err = {0};
    int missing = 0;
    int status = CLI_FAILED;

    if (options->rest_count) {
        bj__say("belljar: doctor: \"%s\": takes no such word; see belljar help doctor", options->rest[0]);
        return CLI_FAILED;
    }
    if (bj_spec_from_profile(options->profile ? options->profile : "default", &spec, &err) < 0) {
        bj__say_error(CLI_DOCTOR, &err);
        return CLI_FAILED;
    }
    BJ_FREE char *text = bj_doctor(spec, options->json, &missing);
    if (text)
        status = bj__print(CLI_DOCTOR, text);
    else
        bj__say("belljar: doctor: out of memory");
    bj_spec_free(spec);
    return status ? status : missing > 0;
}
