# Compute determinants and solve equations by elimination with fractions.
from fractions import Fraction


def determinant(matrix):
    if len(matrix) == 1:
        return matrix[0][0]
    total = 0
    for column, value in enumerate(matrix[0]):
        minor = [row[:column] + row[column + 1:] for row in matrix[1:]]
        total += (-1) ** column * value * determinant(minor)
    return total


def solve(matrix, right_side):
    rows = [[Fraction(value) for value in row] + [Fraction(b)] for row, b in zip(matrix, right_side)]
    size = len(rows)
    for i in range(size):
        pivot = next(r for r in range(i, size) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for other in range(size):
            if other != i:
                factor = rows[other][i]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[i])]
    return [row[-1] for row in rows]


print(determinant([[3, 8], [4, 6]]))
print(determinant([[6, 1, 1], [4, -2, 5], [2, 8, 7]]))
print(determinant([[2, 0, 1, 3], [1, 1, 0, 2], [0, 4, 1, 1], [3, 1, 2, 0]]))
print([str(x) for x in solve([[2, 1, -1], [-3, -1, 2], [-2, 1, 2]], [8, -11, -3])])
print([str(x) for x in solve([[0, 3], [7, 2]], [1, 1])])
