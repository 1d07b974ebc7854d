# Build lists, sets and dictionaries with comprehensions.
words = ["tree", "sky", "mountain", "river", "sun", "ocean", "stone"]

squares = [n ** 2 for n in range(10)]
even_squares = [n for n in squares if n % 2 == 0]
lengths = {word: len(word) for word in words}
by_length = {size: sorted(w for w in words if len(w) == size) for size in sorted(set(lengths.values()))}
first_letters = {word[0] for word in words}
grid = [[row * col for col in range(1, 4)] for row in range(1, 4)]
flat = [value for row in grid for value in row]
pairs = [(a, b) for a in range(1, 4) for b in range(a, 4) if (a + b) % 2 == 0]
triples = [
    (a, b, c)
    for c in range(1, 21)
    for b in range(1, c)
    for a in range(1, b)
    if a * a + b * b == c * c
]

print(squares)
print(even_squares)
print(lengths)
print(by_length)
print(sorted(first_letters))
print(grid, flat)
print(pairs)
print(triples)
print(["odd" if n % 2 else "even" for n in range(4)])
