# Create, slice and change numpy arrays.
import numpy as np

numbers = np.arange(1, 13)
print(numbers, numbers.shape, numbers.ndim)
print(numbers[2:8:2], numbers[::-1][:3], numbers[[0, 5, -1]])

grid = np.zeros((3, 4), dtype=int)
grid[0] = 7
grid[:, 1] += 2
grid[1:, 2:] = [[1, 2], [3, 4]]
print(grid)

view = grid[:2, :2]
copy = view.copy()
view[:] = 0
print(grid[0].tolist(), copy.tolist())

print(np.linspace(0, 1, 5).tolist())
print(np.eye(3, dtype=int).tolist())
print(np.full(3, 2.5) * np.array([1, 2, 4]))
print((numbers ** 2).sum(), numbers.prod(), float(numbers.mean()), int(numbers.argmax()))
print(np.array([1.9, -1.9]).astype(int), np.array([250], dtype=np.uint8) + np.array([10], dtype=np.uint8))
print(np.sort(np.array([3, 1, 2])), np.unique(np.array([5, 1, 5, 3, 1])))
