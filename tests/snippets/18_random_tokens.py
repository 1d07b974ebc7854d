# Make random tokens and rate the strength of passwords.
import secrets
import string
import timeit


def make_password(length):
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))


def strength(password):
    groups = [string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation]
    score = sum(any(char in group for char in password) for group in groups)
    if len(password) >= 12:
        score += 1
    return ["useless", "weak", "weak", "fair", "good", "strong"][score]


password = make_password(16)
print("length of the password:", len(password), password.isalnum())
print("length of a hex token:", len(secrets.token_hex(8)))
print("length of token bytes:", len(secrets.token_bytes(20)))
print("two tokens differ:", secrets.token_hex(16) != secrets.token_hex(16))
for text in ["", "cat", "Summer7", "correct horse", "tR0ub4dor&3xyz"]:
    print(f"{text!r}: {strength(text)}")

seconds = timeit.timeit(lambda: make_password(8), number=10)
print("measured time is a", type(seconds).__name__, seconds >= 0)
