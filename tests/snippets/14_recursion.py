# Practice recursive functions.
def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def digit_sum(n):
    return n if n < 10 else n % 10 + digit_sum(n // 10)


def gcd(a, b):
    return a if b == 0 else gcd(b, a % b)


def flatten(items):
    result = []
    for item in items:
        if isinstance(item, list):
            result.extend(flatten(item))
        else:
            result.append(item)
    return result


print("factorial:", [factorial(n) for n in range(8)], factorial(25))
print("fibonacci:", [fibonacci(n) for n in range(15)])
print("digit sum:", digit_sum(9876543210))
print("gcd:", gcd(1071, 462))
print("flatten:", flatten([1, [2, [3, [4]], 5], [[6]]]))
