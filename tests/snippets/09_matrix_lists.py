# Add, multiply and transpose matrices made of lists.
def add(a, b):
    return [[x + y for x, y in zip(row_a, row_b)] for row_a, row_b in zip(a, b)]


def transpose(matrix):
    return [list(column) for column in zip(*matrix)]


def multiply(a, b):
    columns = transpose(b)
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def show(title, matrix):
    print(title)
    for row in matrix:
        print("  " + " ".join(f"{value:4d}" for value in row))


first = [[1, 2, 3], [4, 5, 6]]
second = [[10, 20, 30], [40, 50, 60]]
show("sum", add(first, second))
show("transposed", transpose(first))
show("product", multiply(first, transpose(second)))
