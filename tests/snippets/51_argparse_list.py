# Parse lists of command line arguments for a copy command.
import argparse


def build_parser():
    parser = argparse.ArgumentParser(prog="copy", description="Copy some files.")
    parser.add_argument("files", nargs="+")
    parser.add_argument("-t", "--target", default="backup")
    parser.add_argument("-n", "--times", type=int, default=1, choices=range(1, 4))
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--color", action=argparse.BooleanOptionalAction, default=True)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--keep", action="store_true")
    group.add_argument("--force", dest="keep", action="store_false")
    return parser


parser = build_parser()
for arguments in (
    ["one.txt"],
    ["-vv", "--times=3", "a", "b", "c", "--keep"],
    ["--no-color", "-t", "/mnt", "x", "--", "-y"],
):
    options = parser.parse_args(arguments)
    print(" ".join(arguments))
    for key, value in sorted(vars(options).items()):
        print(f"    {key} = {value!r}")

options, rest = parser.parse_known_args(["file", "--unknown", "--target", "here"])
print(options.target, options.files, rest)
