# Write iterators for the Collatz sequence and for a countdown.
class Collatz:
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        number = self.start
        while number != 1:
            yield number
            number = number // 2 if number % 2 == 0 else 3 * number + 1
        yield 1


class Countdown:
    def __init__(self, start):
        self.current = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.current <= 0:
            raise StopIteration
        self.current -= 1
        return self.current + 1


sequence = Collatz(6)
print(list(sequence), len(list(sequence)))
longest = max(range(1, 1000), key=lambda n: sum(1 for _ in Collatz(n)))
print("longest below 1000:", longest, "highest value:", max(Collatz(longest)))

countdown = Countdown(5)
print(next(countdown), next(countdown), list(countdown), next(countdown, "lift off"))
first, *middle, last = Countdown(4)
print(first, middle, last)
lines = iter(["one", "two", "", "three"])
print(list(iter(lambda: next(lines), "")))
