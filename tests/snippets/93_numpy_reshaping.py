# Reshape, stack, split and turn numpy arrays.
import numpy as np

base = np.arange(24)
cube = base.reshape(2, 3, -1)
print(cube.shape, cube.sum(axis=0).tolist())
print(cube.transpose(2, 0, 1).shape, cube.swapaxes(0, 2).shape, cube.ravel().shape)

a = np.array([[1, 2], [3, 4]])
print(np.vstack([a, a * 10]).tolist())
print(np.hstack([a, a.T]).tolist())
print(np.stack([a, a]).shape, np.concatenate([a, a], axis=1).shape)
print([part.tolist() for part in np.array_split(np.arange(7), 3)])
print(np.tile(a, (1, 2)).tolist(), np.repeat([1, 2], 3).tolist())
print(np.rot90(a).tolist(), np.flip(a, axis=1).tolist(), np.roll(np.arange(5), 2).tolist())

image = np.arange(36).reshape(6, 6)
blocks = image.reshape(3, 2, 3, 2).mean(axis=(1, 3))
print(blocks)
print(np.pad(a, 1, constant_values=9))
print(a.reshape(-1, 1).squeeze().tolist(), np.expand_dims(a, 0).shape)
print("same memory:", bool(np.shares_memory(base, cube)), "order F:", image.flatten(order="F")[:3].tolist())
