# Keep tasks in a priority queue and marks in a sorted list.
import bisect
import heapq

tasks = []
for number, (priority, name) in enumerate(
    [(3, "clean the desk"), (1, "call the doctor"), (2, "buy milk"), (1, "pay the rent")]
):
    heapq.heappush(tasks, (priority, number, name))

while tasks:
    priority, _, name = heapq.heappop(tasks)
    print(priority, name)

numbers = [34, 7, 23, 32, 5, 62, 32, 7, 23]
print("largest:", heapq.nlargest(3, numbers), "smallest:", heapq.nsmallest(3, numbers))
print("merged:", list(heapq.merge([1, 4, 9], [2, 4, 8], [0, 16])))

ordered = []
for number in numbers:
    bisect.insort(ordered, number)
print(ordered)
print("positions of 23:", bisect.bisect_left(ordered, 23), "to", bisect.bisect_right(ordered, 23))


def grade(points, limits=(50, 65, 80, 90), letters="FDCBA"):
    return letters[bisect.bisect(limits, points)]


print([(points, grade(points)) for points in (12, 50, 79, 80, 100)])
