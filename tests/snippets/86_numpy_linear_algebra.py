# Solve linear equations and look at eigenvalues with numpy.
import numpy as np

a = np.array([[4.0, -2.0, 1.0], [-2.0, 5.0, 3.0], [1.0, 3.0, 6.0]])
b = np.array([11.0, -16.0, 17.0])

x = np.linalg.solve(a, b)
print("determinant:", round(float(np.linalg.det(a)), 6))
print("residual is small:", bool(np.allclose(a @ x, b)))
print("solution:", " ".join(f"{value:.4f}" for value in x))
print("inverse works:", bool(np.allclose(np.linalg.inv(a) @ a, np.eye(3))))
print("rank:", int(np.linalg.matrix_rank(np.array([[1, 2], [2, 4]]))))
print("norm:", round(float(np.linalg.norm([3, 4])), 6))

values, vectors = np.linalg.eigh(a)
print("eigenvalues:", " ".join(f"{value:.4f}" for value in values))
print("rebuilt:", bool(np.allclose(vectors @ np.diag(values) @ vectors.T, a)))

q, r = np.linalg.qr(a)
print("orthogonal:", bool(np.allclose(q.T @ q, np.eye(3))), "triangular:", bool(np.allclose(r, np.triu(r))))

singular = np.linalg.svd(np.array([[3.0, 0.0], [4.0, 5.0]]), compute_uv=False)
print("singular values:", " ".join(f"{value:.4f}" for value in singular))
try:
    np.linalg.inv(np.zeros((2, 2)))
except np.linalg.LinAlgError as error:
    print("error:", error)
