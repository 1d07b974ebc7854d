/* Learn the host's name.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-host-name
 * title: Learn the host's name
 * category: own
 * kind: leak
 * severity: low
 * tries: uname(2)
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <sys/utsname.h>

int main(void)
{
    struct utsname name;
    if (uname(&name) < 0)
        return CONTAINED("%s", strerror(errno));
    return strcmp(name.nodename, "sabotage-host") == 0 ? ESCAPED("the host is called %s", name.nodename)
                                                       : CONTAINED("I am on %s", name.nodename);
}
