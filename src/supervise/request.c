/* What a snippet asks of a jail that is there already.
 * Its own file because its files are read here, and written by the program that runs it: parked jails and sessions alike.
 * Changes when: a snippet brings something more along. */
#include "supervise/run.h"

/* Files are written by the program that runs snippets, as the guest: in /box nothing that it can write may be run. */
static int read_sources(const struct bj_spec *spec, struct bj_sources *ret_sources, struct bj_error *err)
{
    int r = bj__sources_read(spec, ret_sources, err);
    for (size_t i = 0; r == 0 && i < ret_sources->entry_count; i++)
        if (ret_sources->entries[i].executable && !spec->scratch_executable)
            r = bj__error(err, BJ_ERROR_INVALID, EINVAL, "files",
                          "\"%.200s\" is to be run, and its jail has no place for programs any more; run it "
                          "in a jail of its own",
                          ret_sources->entries[i].path);
    if (r < 0)
        bj__sources_done(ret_sources);
    return r;
}

int bj__snippet_make_request(const struct bj_spec *spec, struct bj_buf *request, struct bj_error *err)
{
    struct bj_sources sources;
    int r = 0;
    if (spec->file_count > 0 && (r = read_sources(spec, &sources, err)) < 0)
        return r;
    r = bj__snippet_request(spec, spec->file_count > 0 ? &sources : NULL, request);
    if (spec->file_count > 0)
        bj__sources_done(&sources);
    return r < 0 ? bj__error_memory(err) : 0;
}
