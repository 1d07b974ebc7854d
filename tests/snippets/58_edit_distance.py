# Compute the edit distance of words and show the steps.
def distance_table(first, second):
    table = [[i + j if i * j == 0 else 0 for j in range(len(second) + 1)] for i in range(len(first) + 1)]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (first[i - 1] != second[j - 1]),
            )
    return table


def steps(first, second):
    table = distance_table(first, second)
    i, j = len(first), len(second)
    result = []
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (first[i - 1] != second[j - 1]):
            if first[i - 1] != second[j - 1]:
                result.append(f"{first[i - 1]}->{second[j - 1]}")
            i, j = i - 1, j - 1
        elif i and table[i][j] == table[i - 1][j] + 1:
            result.append(f"-{first[i - 1]}")
            i -= 1
        else:
            result.append(f"+{second[j - 1]}")
            j -= 1
    return result[::-1]


for a, b in [("kitten", "sitting"), ("flaw", "lawn"), ("same", "same"), ("", "abc"), ("saturday", "sunday")]:
    print(f"{a or '-'} to {b}: {distance_table(a, b)[-1][-1]} {steps(a, b)}")
