# Sort a list with bubble sort and compare it with sorted().
def bubble_sort(values):
    values = list(values)
    swaps = 0
    for end in range(len(values) - 1, 0, -1):
        swapped = False
        for i in range(end):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
                swaps += 1
                swapped = True
        if not swapped:
            break
    return values, swaps


for numbers in ([5, 1, 4, 2, 8], [1, 2, 3], [9, 7, 5, 3, 1], []):
    result, swaps = bubble_sort(numbers)
    print(numbers, "->", result, f"({swaps} swaps)", result == sorted(numbers))

words, swaps = bubble_sort(["pear", "fig", "apple", "kiwi"])
print(words, f"({swaps} swaps)")
