# Look up numbers in a sorted list with binary search.
def binary_search(values, target):
    low, high = 0, len(values) - 1
    steps = 0
    while low <= high:
        steps += 1
        middle = (low + high) // 2
        if values[middle] == target:
            return middle, steps
        if values[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return None, steps


squares = [n * n for n in range(1000)]
for target in (0, 144, 998001, 500, 123456):
    index, steps = binary_search(squares, target)
    if index is None:
        print(f"{target} is no square ({steps} steps)")
    else:
        print(f"{target} is the square of {index} ({steps} steps)")
