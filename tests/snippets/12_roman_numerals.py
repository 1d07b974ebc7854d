# Convert numbers to Roman numerals and back.
NUMERALS = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
]


def to_roman(number):
    parts = []
    for value, letters in NUMERALS:
        count, number = divmod(number, value)
        parts.append(letters * count)
    return "".join(parts)


def from_roman(text):
    values = {letters: value for value, letters in NUMERALS if len(letters) == 1}
    total = 0
    for letter, following in zip(text, text[1:] + " "):
        value = values[letter]
        total += -value if values.get(following, 0) > value else value
    return total


for year in (4, 49, 1066, 1789, 1994, 2024):
    print(year, to_roman(year))
print("all right:", all(from_roman(to_roman(n)) == n for n in range(1, 2000)))
