#!/usr/bin/env python3
"""embed.py NAME FILE... > out.c: files as a C array NAME of struct bj_embedded (src/base/embed.h).

Its own file because the profiles and the jail's pid 1 are both built into the library.
Changes when: struct bj_embedded changes.
"""
import os
import sys


def c_bytes(data):
    lines = [", ".join("%d" % byte for byte in data[n:n + 32]) for n in range(0, len(data), 32)]
    return ",\n    ".join(lines) or "0"


def main(name, *paths):
    print("/* Made by tools/embed.py; do not edit. */")
    print('#include "base/embed.h"\n')
    print("extern const struct bj_embedded %s[];\n" % name)
    rows = []
    for n, path in enumerate(paths):
        with open(path, "rb") as file:
            data = file.read()
        print("static const unsigned char bytes_%d[] __attribute__((aligned(16))) = {\n    %s};\n" % (n, c_bytes(data)))
        base = os.path.basename(path)
        if not base.isprintable() or '"' in base or "\\" in base:
            sys.exit("embed.py: %r: a name that C text cannot hold" % base)
        rows.append('    {"%s", bytes_%d, %d},' % (base, n, len(data)))
    print("const struct bj_embedded %s[] = {\n%s\n    {0},\n};" % (name, "\n".join(rows)))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
