# List prime numbers and split numbers into prime factors.
def is_prime(number):
    if number < 2:
        return False
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


def prime_factors(number):
    factors = []
    divisor = 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return factors


primes = [n for n in range(60) if is_prime(n)]
print("Primes below 60:", primes)
print("There are", len(primes), "of them.")
for number in (12, 97, 360, 1001):
    print(number, "=", " x ".join(str(f) for f in prime_factors(number)))
