# Find primes with the sieve of Eratosthenes.
def sieve(limit):
    is_prime = bytearray([1]) * (limit + 1)
    is_prime[0:2] = b"\0\0"
    for number in range(2, int(limit ** 0.5) + 1):
        if is_prime[number]:
            start = number * number
            is_prime[start::number] = bytes(len(range(start, limit + 1, number)))
    return [number for number, prime in enumerate(is_prime) if prime]


primes = sieve(100_000)
print("first:", primes[:12])
print("last:", primes[-3:])
print("count:", len(primes))

twins = [(p, q) for p, q in zip(primes, primes[1:]) if q - p == 2]
print("twins:", len(twins), twins[:4], twins[-1])

gap, before = max((q - p, p) for p, q in zip(primes, primes[1:]))
print(f"largest gap: {gap} after {before}")

digits = {digit: sum(p % 10 == digit for p in primes) for digit in (1, 3, 7, 9)}
print("last digits:", digits)

known = set(primes)
goldbach = next((a, 1000 - a) for a in primes if 1000 - a in known)
print("1000 = {} + {}".format(*goldbach))
