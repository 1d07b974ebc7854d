#!/usr/bin/env python3
"""Writes a file's bytes as a C array: embed_bytes.py INPUT OUTPUT HEADER PREFIX -> PREFIX_bytes[], PREFIX_length."""
import sys


def main():
    source, output, header, prefix = sys.argv[1:5]
    with open(source, "rb") as file:
        data = file.read()
    rows = [", ".join("%d" % byte for byte in data[at:at + 20]) for at in range(0, len(data), 20)]
    with open(output, "w", encoding="ascii") as file:
        file.write('#include "%s"\n\nconst unsigned char %s_bytes[] = {\n    ' % (header, prefix))
        file.write(",\n    ".join(rows))
        file.write("};\nconst size_t %s_length = sizeof(%s_bytes);\n" % (prefix, prefix))


if __name__ == "__main__":
    main()
