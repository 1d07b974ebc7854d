# Combine numpy arrays of different shapes by broadcasting.
import numpy as np

row = np.arange(1, 6)
column = np.arange(1, 4).reshape(3, 1)
print(row * column)
print((row + column).shape, row[:, np.newaxis].shape)

points = np.array([[0, 0], [3, 4], [6, 8], [-3, 4]])
differences = points[:, None, :] - points[None, :, :]
distances = np.sqrt((differences ** 2).sum(axis=-1))
print(np.round(distances, 2))
print("farthest:", [int(i) for i in np.unravel_index(distances.argmax(), distances.shape)])

scores = np.array([[80.0, 60.0, 90.0], [70.0, 90.0, 30.0]])
centered = scores - scores.mean(axis=1, keepdims=True)
print(np.round(centered, 2).tolist())
print(np.round(scores / scores.max(axis=0), 3).tolist())

board = (np.indices((4, 8)).sum(axis=0) % 2).astype(bool)
for line in np.where(board, "#", "."):
    print("".join(line))

try:
    np.ones(3) + np.ones(4)
except ValueError:
    print("three and four do not fit together")
