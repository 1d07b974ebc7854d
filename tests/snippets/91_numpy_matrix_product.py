# Predict the weather with powers of a transition matrix.
import numpy as np

STATES = ["sunny", "cloudy", "rainy"]
step = np.array([
    [0.7, 0.2, 0.1],
    [0.3, 0.4, 0.3],
    [0.2, 0.4, 0.4],
])
print("rows add up to one:", bool(np.allclose(step.sum(axis=1), 1)))

today = np.array([1.0, 0.0, 0.0])
for day in (1, 2, 7, 30):
    chances = today @ np.linalg.matrix_power(step, day)
    print(f"day {day:>2}: " + ", ".join(f"{name} {chance:.1%}" for name, chance in zip(STATES, chances)))

fibonacci = np.array([[1, 1], [1, 0]], dtype=np.int64)
print("fibonacci 50:", int(np.linalg.matrix_power(fibonacci, 50)[0, 1]))

angle = np.pi / 6
rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
quarter = rotation @ rotation @ rotation
print("three turns of 30 degrees:", np.rint(quarter @ np.array([2, 1])).astype(int).tolist())
print("outer:", np.outer([1, 2], [3, 4, 5]).tolist(), "inner:", int(np.dot([1, 2, 3], [4, 5, 6])))
print("einsum:", np.einsum("ij,ji->i", np.arange(6).reshape(2, 3), np.ones((3, 2), int)).tolist())
