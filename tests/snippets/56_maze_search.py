# Find the way out of a maze with breadth first search.
from collections import deque

MAZE = """\
##########
#S..#....#
#.#.#.##.#
#.#...#..#
#.#####.##
#......#E#
######...#
##########""".splitlines()


def find(symbol):
    for y, row in enumerate(MAZE):
        if symbol in row:
            return row.index(symbol), y
    raise ValueError(symbol)


def solve(start, end):
    came_from = {start: None}
    queue = deque([start])
    while queue and end not in came_from:
        x, y = queue.popleft()
        for place in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if MAZE[place[1]][place[0]] != "#" and place not in came_from:
                came_from[place] = (x, y)
                queue.append(place)
    path = [end]
    while came_from[path[-1]]:
        path.append(came_from[path[-1]])
    return path[::-1]


path = solve(find("S"), find("E"))
for y, row in enumerate(MAZE):
    print("".join("o" if (x, y) in path[1:-1] else char for x, char in enumerate(row)))
print("steps:", len(path) - 1)
