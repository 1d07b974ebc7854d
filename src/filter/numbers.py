#!/usr/bin/env python3
"""Writes syscall_numbers.h: BJ_NR_<name> for each call that the tables name, -1 where the machine lacks it.

Its own file because C cannot ask "is this name defined?" inside a table. The numbers themselves come from the
compiler's <asm/unistd.h>, so a cross build gets those of its target.
Changes when: the form of the tables' rows changes.   usage: numbers.py OUTPUT TABLE...
"""
import re
import sys


def main():
    output, tables = sys.argv[1], sys.argv[2:]
    names, newer = set(), {}
    for path in tables:
        with open(path, encoding="utf-8") as table:
            for line in table:
                row = re.match(r"BJ_(?:ALLOW|NEVER|REFUSE)\(\w+, (\w+)[,)]", line)
                if row:
                    names.add(row[1])
                row = re.match(r"BJ_NUMBER\((\w+), (\d+)\)", line)
                if row:
                    newer[row[1]] = int(row[2])
    with open(output, "w", encoding="utf-8") as header:
        header.write("/* Made by numbers.py when Belljar is built. */\n#include <asm/unistd.h>\n")
        for name in sorted(names):
            header.write(f"#ifdef __NR_{name}\n#define BJ_NR_{name} __NR_{name}\n"
                         f"#else\n#define BJ_NR_{name} {newer.get(name, -1)}\n#endif\n")


if __name__ == "__main__":
    main()
