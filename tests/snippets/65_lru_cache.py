# Write a cache that forgets what was not used for the longest time.
from collections import OrderedDict


class LRUCache:
    def __init__(self, load, capacity):
        self.load = load
        self.capacity = capacity
        self.entries = OrderedDict()
        self.hits = self.misses = 0

    def __getitem__(self, key):
        if key in self.entries:
            self.hits += 1
            self.entries.move_to_end(key)
        else:
            self.misses += 1
            self.entries[key] = self.load(key)
            if len(self.entries) > self.capacity:
                forgotten, _ = self.entries.popitem(last=False)
                print(f"  forgot {forgotten}")
        return self.entries[key]

    def __contains__(self, key):
        return key in self.entries


def slow_cube(n):
    print(f"  computing {n}")
    return n ** 3


cache = LRUCache(slow_cube, capacity=3)
for n in (1, 2, 3, 1, 4, 2, 1):
    print(n, cache[n])
print("kept:", list(cache.entries), "3 kept:", 3 in cache)
print(f"{cache.hits} hits, {cache.misses} misses")
