# Solve a sudoku of six by six fields by trying out digits.
PUZZLE = [
    "2.....",
    ".41...",
    "...4.1",
    ".6...5",
    ".5.6..",
    "....53",
]


def candidates(grid, row, col):
    used = set(grid[row]) | {line[col] for line in grid}
    top, left = row // 2 * 2, col // 3 * 3
    for line in grid[top:top + 2]:
        used.update(line[left:left + 3])
    return [digit for digit in "123456" if digit not in used]


def solve(grid):
    empty = [(row, col) for row in range(6) for col in range(6) if grid[row][col] == "."]
    if not empty:
        return True
    row, col = min(empty, key=lambda place: len(candidates(grid, *place)))
    for digit in candidates(grid, row, col):
        grid[row][col] = digit
        if solve(grid):
            return True
    grid[row][col] = "."
    return False


grid = [list(row) for row in PUZZLE]
print("solved" if solve(grid) else "no solution")
for before, row in zip(PUZZLE, grid):
    print(before, " ", " ".join(row))
print("rows are complete:", all(sorted(row) == list("123456") for row in grid))
