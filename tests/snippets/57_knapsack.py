# Pack the most valuable backpack with dynamic programming.
ITEMS = [
    ("tent", 11, 20), ("stove", 7, 10), ("rope", 4, 11), ("map", 1, 7),
    ("lamp", 3, 8), ("blanket", 6, 9), ("camera", 5, 16), ("books", 9, 6),
]


def pack(items, limit):
    best = [[0] * (limit + 1) for _ in range(len(items) + 1)]
    for row, (_, weight, value) in enumerate(items, start=1):
        for room in range(limit + 1):
            best[row][room] = best[row - 1][room]
            if weight <= room:
                best[row][room] = max(best[row][room], best[row - 1][room - weight] + value)

    chosen = []
    room = limit
    for row in range(len(items), 0, -1):
        if best[row][room] != best[row - 1][room]:
            chosen.append(items[row - 1])
            room -= items[row - 1][1]
    return best[-1][limit], chosen[::-1]


for limit in (0, 5, 13, 20, 100):
    value, chosen = pack(ITEMS, limit)
    weight = sum(item[1] for item in chosen)
    print(f"limit {limit:>3}: value {value:>3}, weight {weight:>2}, {[item[0] for item in chosen]}")
