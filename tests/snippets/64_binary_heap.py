# Sort numbers with a binary heap written by hand.
import random


class MinHeap:
    def __init__(self):
        self.items = []

    def push(self, item):
        items = self.items
        items.append(item)
        child = len(items) - 1
        while child and items[child] < items[(child - 1) // 2]:
            parent = (child - 1) // 2
            items[child], items[parent] = items[parent], items[child]
            child = parent

    def pop(self):
        items = self.items
        items[0], items[-1] = items[-1], items[0]
        smallest = items.pop()
        parent = 0
        while 2 * parent + 1 < len(items):
            child = min((2 * parent + 1, 2 * parent + 2), key=lambda i: items[i:i + 1] or [float("inf")])
            if items[parent] <= items[child]:
                break
            items[parent], items[child] = items[child], items[parent]
            parent = child
        return smallest


random.seed(5)
numbers = [random.randrange(1000) for _ in range(200)]
heap = MinHeap()
for number in numbers:
    heap.push(number)
print("valid heap:", all(heap.items[(i - 1) // 2] <= heap.items[i] for i in range(1, 200)))
result = [heap.pop() for _ in range(200)]
print("sorted:", result == sorted(numbers))
print("smallest:", result[:5], "largest:", result[-3:], "left:", heap.items)
