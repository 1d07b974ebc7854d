# Describe data and fit a line with numpy.
import numpy as np

hours = np.array([1, 2, 3, 4, 5, 6, 7, 8], dtype=float)
points = np.array([42, 50, 55, 61, 70, 72, 85, 88], dtype=float)

print(f"mean {points.mean():.3f}, std {points.std(ddof=1):.3f}, median {np.median(points):.1f}")
print("percentiles:", np.percentile(points, [25, 50, 75]).tolist())
print("correlation:", round(float(np.corrcoef(hours, points)[0, 1]), 4))

slope, intercept = np.polyfit(hours, points, 1)
print(f"points = {slope:.3f} * hours + {intercept:.3f}")
errors = points - np.polyval([slope, intercept], hours)
print("largest error:", round(float(np.abs(errors).max()), 3))

design = np.column_stack([hours, np.ones_like(hours)])
solution, *_ = np.linalg.lstsq(design, points, rcond=None)
print("least squares agree:", bool(np.allclose(solution, [slope, intercept])))

counts, edges = np.histogram(points, bins=[40, 50, 60, 70, 80, 90])
for count, low, high in zip(counts, edges, edges[1:]):
    print(f"{low:.0f}-{high:.0f} {'#' * count}")

scores = (points - points.mean()) / points.std()
print("standard scores:", np.round(scores, 2).tolist())
groups = np.array(list("abababab"))
print("groups:", {str(name): float(points[groups == name].mean()) for name in np.unique(groups)})
