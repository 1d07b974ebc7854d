# Simulate customers who wait at ticket counters.
import heapq
import random


def simulate(counters, customers=200, seed=7):
    rng = random.Random(seed)
    free_at = [0.0] * counters
    clock = 0.0
    waits = []
    for _ in range(customers):
        clock += rng.expovariate(1 / 2)
        start = max(clock, heapq.heappop(free_at))
        waits.append(start - clock)
        heapq.heappush(free_at, start + rng.uniform(3, 7))
    return waits, max(free_at)


print("counters  mean wait  longest  no wait  closing")
for counters in range(2, 6):
    waits, closing = simulate(counters)
    mean = sum(waits) / len(waits)
    quick = sum(wait == 0 for wait in waits)
    print(f"{counters:8d} {mean:10.1f} {max(waits):8.1f} {quick:8d} {closing:8.1f}")

few, _ = simulate(2)
many, _ = simulate(5)
print("more counters help:", sum(many) < sum(few))
