# Compare two texts with difflib.
import difflib

OLD = """milk
bread
10 eggs
butter
tea
"""
NEW = """milk
brown bread
12 eggs
tea
honey
"""

diff = difflib.unified_diff(
    OLD.splitlines(), NEW.splitlines(), fromfile="monday", tofile="tuesday", lineterm="", n=1
)
print("\n".join(diff))

matcher = difflib.SequenceMatcher(None, "private thread", "private volatile thread")
print(f"similarity: {matcher.ratio():.3f}")
for tag, i1, i2, j1, j2 in matcher.get_opcodes():
    print(f"{tag:<8} {matcher.a[i1:i2]!r} -> {matcher.b[j1:j2]!r}")

names = ["apple", "maple", "ample", "pear", "peach", "grape"]
for typo in ("appel", "preach", "zzz"):
    print(typo, "->", difflib.get_close_matches(typo, names, n=2) or "no idea")
