# Combine, group and cut sequences with itertools.
from itertools import (
    accumulate, chain, combinations, compress, count, cycle, dropwhile, groupby, islice, product,
    repeat, starmap, takewhile, tee, zip_longest,
)

print(list(islice(count(10, 5), 5)))
print("".join(islice(cycle("abc"), 8)))
print(list(chain([1, 2], "ab", repeat(0, 2))))
print(list(accumulate([3, 1, 4, 1, 5])), list(accumulate([3, 1, 4, 1, 5], max)))
print(list(combinations("wxyz", 2)))
print(["".join(pair) for pair in product("ab", "123")])
print(list(takewhile(lambda n: n < 4, [1, 3, 5, 2])), list(dropwhile(lambda n: n < 4, [1, 3, 5, 2])))
print(list(compress("secret", [1, 0, 0, 1, 1, 0])))
print(list(starmap(pow, [(2, 5), (3, 2), (10, 3)])))
print(list(zip_longest("ab", "xyz", fillvalue="-")))

cities = ["Rome", "Riga", "Bern", "Paris", "Lyon", "Lima", "Tokyo"]
for size, group in groupby(sorted(cities, key=len), key=len):
    print(size, sorted(group))

first, second = tee([1, 4, 9, 16])
next(second)
print("differences:", [b - a for a, b in zip(first, second)])
print("run lengths:", [(key, len(list(run))) for key, run in groupby("aaabccdddd")])
