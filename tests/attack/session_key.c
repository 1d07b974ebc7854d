/* Read a key of the caller's session.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-session-key
 * title: Read a key of the caller's session
 * category: own
 * kind: leak
 * severity: high
 * tries: search the session keyring that is inherited for a key, and read it
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>

int main(void)
{
    char text[64] = "";
    long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "sabotage-secret", 0);
    if (key < 0)
        return CONTAINED("no such key here: %s", strerror(errno));
    if (syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text) - 1, 0) < 0)
        return CONTAINED("the key cannot be read: %s", strerror(errno));
    return ESCAPED("a key of the caller's session says %s", text);
}
