/* Change the caller's terminal.
 * Its own file because each attack is a program of its own.
 * Changes when: the wall that it tries is made in another way.
 *
 * abuse-case: 1
 * id: own-terminal
 * title: Change the caller's terminal
 * category: own
 * kind: integrity
 * severity: high
 * tries: tcsetattr(3) on stdin: a terminal that is shared can be made deaf, and what is typed there can be read
 * expected: denied
 * accept: denied, error, killed:syscall, killed:signal
 * settings: terminal
 * outside: safe
 * end-abuse-case */
#include "attack.h"

#include <termios.h>

int main(void)
{
    struct termios modes;
    if (tcgetattr(0, &modes) < 0)
        return CONTAINED("stdin is no terminal: %s", strerror(errno));
    if (tcsetattr(0, TCSANOW, &modes) < 0)
        return CONTAINED("stdin is a terminal, but %s", strerror(errno));
    return ESCAPED("stdin is a terminal whose modes are mine to set");
}
