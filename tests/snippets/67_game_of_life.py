# Run Conway's game of life on a set of cells.
from collections import Counter


def step(cells):
    neighbors = Counter(
        (x + dx, y + dy)
        for x, y in cells
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        if dx or dy
    )
    return {cell for cell, count in neighbors.items() if count == 3 or (count == 2 and cell in cells)}


def show(cells, width=10, height=7):
    for y in range(height):
        print("".join("#" if (x, y) in cells else "." for x in range(width)))
    print()


glider = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)}
cells = glider
for generation in range(12):
    if generation % 4 == 0:
        print("generation", generation, "cells", len(cells))
        show(cells)
    cells = step(cells)
print("the glider moved by three:", cells == {(x + 3, y + 3) for x, y in glider})

r_pentomino = {(1, 0), (2, 0), (0, 1), (1, 1), (1, 2)}
for _ in range(50):
    r_pentomino = step(r_pentomino)
print("cells after 50 steps:", len(r_pentomino))
