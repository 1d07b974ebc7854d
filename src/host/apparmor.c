/* AppArmor: is it on, is the guests' profile loaded, may this process enter it.
 * Its own file because the kernel's answer has to be put together from places that differ by version and
 * rights.
 * Changes when: AppArmor's interfaces change. */
#include "host/apparmor.h"
#include "host/small.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define POLICY "/sys/kernel/security/apparmor"

enum loaded { LOADED_NO, LOADED_YES, LOADED_UNKNOWN };

/* Directory names are the profile's and a number: "belljar-guest.17". Readable by everyone (4.13). */
static enum loaded find_directory(void)
{
    DIR *directory = opendir(POLICY "/policy/profiles");
    if (!directory)
        return LOADED_UNKNOWN;
    enum loaded loaded = LOADED_NO;
    size_t length = strlen(BJ_APPARMOR_PROFILE);
    const struct dirent *entry;
    while (loaded == LOADED_NO && (entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, BJ_APPARMOR_PROFILE ".", length + 1) == 0)
            loaded = LOADED_YES;
    (void)closedir(directory);
    return loaded;
}

void bj__apparmor_current(char *text, size_t size)
{
    char enabled[4] = "";
    /* Before 5.8 all modules share one file: on a host with SELinux it holds a label of that. */
    if (bj__small_read(AT_FDCWD, "/proc/self/attr/apparmor/current", text, size) < 0 &&
        (bj__small_read(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", enabled, sizeof(enabled)) < 0 ||
         enabled[0] != 'Y' || bj__small_read(AT_FDCWD, "/proc/self/attr/current", text, size) < 0))
        text[0] = 0;
    text[strcspn(text, "\n")] = 0;
}

int bj__apparmor_probe(char *problem, size_t size)
{
    char text[64];
    if (bj__small_read(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text, sizeof(text)) < 0) {
        static const char absent[] = "not in this kernel, or /sys is not mounted";
        memcpy(problem, absent, size < sizeof(absent) ? size : sizeof(absent));
        problem[size - 1] = 0;
        return 0;
    }
    if (text[0] != 'Y') {
        (void)snprintf(problem, size, "disabled at boot; fix: boot with apparmor=1 security=apparmor");
        return 0;
    }
    switch (find_directory()) {
    case LOADED_NO:
        (void)snprintf(problem, size,
                       "profile %s is not loaded; fix: apparmor_parser -r /etc/apparmor.d/" BJ_APPARMOR_PROFILE,
                       BJ_APPARMOR_PROFILE);
        return 0;
    case LOADED_UNKNOWN:
        (void)snprintf(problem, size,
                       POLICY " is hidden from this process (a container); fix: mount -t "
                              "securityfs none /sys/kernel/security, outside a container");
        return 0;
    case LOADED_YES:
        break;
    }
    bj__apparmor_current(text, sizeof(text));
    /* With no_new_privs only an unconfined process (or profile in mode unconfined) may change to a profile
     * that is not a part of its own (kernel: apparmor_bprm_creds_for_exec). */
    if (!strstr(text, "unconfined")) {
        (void)snprintf(problem, size,
                       "this process is confined by profile %.40s itself; fix: docker or podman run "
                       "--security-opt apparmor=unconfined",
                       text);
        return 0;
    }
    return 1;
}

bool bj__apparmor_restricts_userns(void)
{
    uint64_t value;
    return bj__small_number(AT_FDCWD, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", &value) == 0 &&
           value != 0;
}
