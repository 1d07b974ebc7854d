# Roll dice and draw samples with a seeded numpy generator.
import numpy as np

rng = np.random.default_rng(12345)
rolls = rng.integers(1, 7, size=6000)
counts = np.bincount(rolls, minlength=7)[1:]
print("rolls:", rolls[:10].tolist())
for face, count in enumerate(counts, start=1):
    print(f"{face}: {count:5d} {'*' * (count // 100)}")
print("all counted:", int(counts.sum()))

samples = rng.normal(loc=100, scale=15, size=20_000)
print("mean near 100:", bool(abs(samples.mean() - 100) < 1))
print("deviation near 15:", bool(abs(samples.std() - 15) < 0.5))
within = np.mean(np.abs(samples - 100) < 15)
print("within one deviation:", round(float(within), 1))

x, y = rng.random((2, 50_000))
pi = 4 * np.mean(x * x + y * y <= 1)
print("pi is about", round(float(pi), 1))

deck = np.arange(52)
shuffled = rng.permutation(deck)
print("same cards:", bool((np.sort(shuffled) == deck).all()), "other order:", bool((shuffled != deck).any()))
again = np.random.default_rng(12345).integers(1, 7, size=6000)
print("repeatable:", bool(np.array_equal(rolls, again)))
