# Describe a list of measurements with the statistics module.
import statistics

heights = [158, 171, 165, 180, 171, 169, 177, 162, 175, 171, 168, 184]

print("count:   ", len(heights))
print("mean:    ", round(statistics.mean(heights), 2))
print("median:  ", statistics.median(heights))
print("mode:    ", statistics.mode(heights))
print("stdev:   ", round(statistics.stdev(heights), 3))
print("variance:", round(statistics.pvariance(heights), 3))
print("quartiles:", [round(q, 2) for q in statistics.quantiles(heights, n=4)])
print("geometric:", round(statistics.geometric_mean([1, 2, 4, 8]), 4))
print("harmonic:", round(statistics.harmonic_mean([40, 60]), 4))
print("modes:", statistics.multimode("aabbc"))

normal = statistics.NormalDist(mu=170, sigma=7)
print("below 180 cm:", f"{normal.cdf(180):.1%}")
print("tallest 5 percent start at", round(normal.inv_cdf(0.95), 1))

for low in range(155, 190, 5):
    size = sum(low <= height < low + 5 for height in heights)
    print(f"{low}-{low + 4} {'*' * size}")
