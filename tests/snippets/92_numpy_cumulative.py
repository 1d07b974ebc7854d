# Follow a savings account with cumulative sums.
import numpy as np

payments = np.array([100, 100, 50, -80, 100, 0, 120, -200, 100, 60, 0, 90])
balance = np.cumsum(payments)
print("balance:", balance.tolist())
print("changes:", np.diff(balance).tolist() == payments[1:].tolist())
print("highest so far:", np.maximum.accumulate(balance).tolist())
drop = (np.maximum.accumulate(balance) - balance).max()
print("largest drop:", int(drop))

window = 3
sums = np.concatenate(([0], np.cumsum(payments)))
moving = (sums[window:] - sums[:-window]) / window
print("moving average:", " ".join(f"{value:.1f}" for value in moving))

growth = np.cumprod(np.full(10, 1.05))
print("interest:", " ".join(f"{1000 * factor:.2f}" for factor in growth[[0, 4, 9]]))

quarters = payments.reshape(4, 3).sum(axis=1)
print("quarters:", quarters.tolist(), "best:", int(quarters.argmax()) + 1)
print("table:", np.cumsum(np.arange(1, 7).reshape(2, 3), axis=1).tolist())
for month, value in enumerate(balance, start=1):
    print(f"{month:2d} {'=' * (value // 20)} {value}")
