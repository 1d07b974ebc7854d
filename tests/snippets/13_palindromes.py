# Find palindromes among words, sentences and numbers.
def is_palindrome(text):
    letters = [char.lower() for char in text if char.isalnum()]
    return letters == letters[::-1]


for text in ["Level", "Python", "Never odd or even", "Was it a car or a cat I saw?", "Almost"]:
    answer = "yes" if is_palindrome(text) else "no"
    print(f"{text:<30} {answer}")

numbers = [n for n in range(100, 1000) if is_palindrome(str(n))]
print(len(numbers), "three digit palindromes, the last ones are", numbers[-3:])

best = max(
    (a * b, a, b)
    for a in range(80, 100)
    for b in range(a, 100)
    if is_palindrome(str(a * b))
)
print("largest product of two numbers below 100: {} = {} x {}".format(*best))
