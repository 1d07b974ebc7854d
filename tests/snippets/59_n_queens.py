# Place queens on a chess board so that none attacks another.
def solutions(size, queens=()):
    row = len(queens)
    if row == size:
        yield queens
        return
    for column in range(size):
        safe = all(
            column != other and abs(column - other) != row - other_row
            for other_row, other in enumerate(queens)
        )
        if safe:
            yield from solutions(size, queens + (column,))


def show(queens):
    for column in queens:
        print(" ".join("Q" if n == column else "." for n in range(len(queens))))


show(next(solutions(8)))
for size in range(1, 8):
    print(f"{size} queens: {sum(1 for _ in solutions(size))} solutions")
