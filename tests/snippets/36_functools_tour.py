# Use the helpers of the functools module.
from functools import cmp_to_key, lru_cache, partial, reduce, singledispatch, total_ordering


@lru_cache(maxsize=None)
def ways_to_climb(steps):
    return 1 if steps < 2 else ways_to_climb(steps - 1) + ways_to_climb(steps - 2)


@singledispatch
def describe(value):
    return f"something: {value}"


@describe.register
def _(value: int):
    return f"a number: {value:,}"


@describe.register(list)
def _(value):
    return "a list of " + " and ".join(describe(item) for item in value)


@total_ordering
class Version:
    def __init__(self, text):
        self.parts = [int(part) for part in text.split(".")]

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts


print(ways_to_climb(80), ways_to_climb.cache_info().misses)
print(describe(1234567), "|", describe([1, "two"]), "|", list(map(partial(int, base=2), ["101", "11111111"])))
print(reduce(lambda a, b: a * b, range(1, 11)), Version("1.10") >= Version("1.9"))
print(sorted(["pear", "fig", "apple"], key=cmp_to_key(lambda a, b: len(a) - len(b))))
