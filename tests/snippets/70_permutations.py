# Generate permutations, subsets and partitions by recursion.
import itertools
import math


def permutations(items):
    if not items:
        yield []
    for i, item in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1:]):
            yield [item] + rest


def subsets(items):
    if not items:
        return [[]]
    smaller = subsets(items[1:])
    return smaller + [[items[0]] + subset for subset in smaller]


def partitions(number, largest=None):
    if number == 0:
        yield []
    for part in range(min(number, largest or number), 0, -1):
        for rest in partitions(number - part, part):
            yield [part] + rest


print(["".join(p) for p in permutations(list("abc"))])
mine = [tuple(p) for p in permutations([1, 2, 3, 4, 5])]
print(len(mine) == math.factorial(5), mine == list(itertools.permutations([1, 2, 3, 4, 5])))
print(sorted(subsets([1, 2, 3])))
print([" + ".join(map(str, p)) for p in partitions(5)])
print("ways to add up to 20:", sum(1 for _ in partitions(20)))
print("coins:", sum(1 for n in subsets([1, 2, 5, 10, 20, 50]) if sum(n) in (7, 33, 60)))
