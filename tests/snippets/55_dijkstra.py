# Find the shortest routes between towns with Dijkstra's algorithm.
import heapq

ROADS = [
    ("Ash", "Birch", 7), ("Ash", "Cedar", 9), ("Ash", "Fir", 14), ("Birch", "Cedar", 10),
    ("Birch", "Dale", 15), ("Cedar", "Dale", 11), ("Cedar", "Fir", 2), ("Dale", "Elm", 6),
    ("Elm", "Fir", 9),
]

graph = {"Hill": {}}
for a, b, length in ROADS:
    graph.setdefault(a, {})[b] = length
    graph.setdefault(b, {})[a] = length


def shortest_paths(start):
    distance = {start: 0}
    previous = {}
    queue = [(0, start)]
    while queue:
        so_far, town = heapq.heappop(queue)
        if so_far > distance[town]:
            continue
        for neighbor, length in graph[town].items():
            total = so_far + length
            if total < distance.get(neighbor, float("inf")):
                distance[neighbor] = total
                previous[neighbor] = town
                heapq.heappush(queue, (total, neighbor))
    return distance, previous


distance, previous = shortest_paths("Ash")
for town in sorted(graph):
    path = [town]
    while path[-1] in previous:
        path.append(previous[path[-1]])
    print(f"{town:<6} {distance.get(town, 'no road')!s:>7}  {' > '.join(reversed(path))}")
