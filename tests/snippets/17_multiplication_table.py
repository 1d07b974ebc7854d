# Print a multiplication table and some triangles of stars.
SIZE = 9

print("  x |" + "".join(f"{n:4d}" for n in range(1, SIZE + 1)))
print("----+" + "-" * (4 * SIZE))
for row in range(1, SIZE + 1):
    cells = [f"{row * column:4d}" for column in range(1, SIZE + 1)]
    print(f"{row:3d} |" + "".join(cells))

print()
for height in range(1, 6):
    left = "*" * height
    pyramid = ("*" * (2 * height - 1)).center(9)
    print(f"{left:<6}{left:>6}   {pyramid}".rstrip())
