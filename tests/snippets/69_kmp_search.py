# Search for patterns in a text with the Knuth-Morris-Pratt algorithm.
def failure_table(pattern):
    table = [0] * len(pattern)
    length = 0
    for i in range(1, len(pattern)):
        while length and pattern[i] != pattern[length]:
            length = table[length - 1]
        if pattern[i] == pattern[length]:
            length += 1
        table[i] = length
    return table


def search(text, pattern):
    table = failure_table(pattern)
    matched = 0
    for i, char in enumerate(text):
        while matched and char != pattern[matched]:
            matched = table[matched - 1]
        if char == pattern[matched]:
            matched += 1
        if matched == len(pattern):
            yield i - len(pattern) + 1
            matched = table[matched - 1]


text = "abracadabra abracadabra abra"
for pattern in ("abra", "a", "cad", "xyz", "abracadabra abra"):
    found = list(search(text, pattern))
    simple = [i for i in range(len(text)) if text.startswith(pattern, i)]
    print(f"{pattern!r}: {found} {found == simple}")
print("table:", failure_table("aabaaab"))
print("in 20000 letters:", sum(1 for _ in search("ab" * 10000, "aba")))
