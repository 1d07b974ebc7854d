# Select and replace values of numpy arrays with masks.
import numpy as np

temperature = np.array([12.5, 14.0, np.nan, 19.5, 23.0, 31.5, np.nan, 28.0, 17.5, -40.0])
days = np.arange(1, len(temperature) + 1)

missing = np.isnan(temperature)
print("missing days:", days[missing].tolist())
good = ~missing & (np.nan_to_num(temperature) > -30)
print("good days:", int(good.sum()), "mean:", round(float(temperature[good].mean()), 3))

warm = good & (np.where(good, temperature, 0) >= 20)
print("warm days:", days[warm].tolist())

filled = temperature.copy()
filled[~good] = np.interp(days[~good], days[good], temperature[good])
print("filled:", np.round(filled, 2).tolist())

labels = np.select([filled < 15, filled < 25], ["cool", "mild"], default="hot")
print("labels:", labels.tolist())
print("clipped:", np.clip(filled, 15, 25).tolist())
print("any hot:", bool((labels == "hot").any()), "first hot day:", int(days[np.argmax(labels == "hot")]))

table = np.arange(20).reshape(4, 5)
table[table % 3 == 0] *= -1
print(table)
print("rows without 7:", table[~(table == 7).any(axis=1)].sum(axis=1).tolist())
print("very low:", np.argwhere(table < -14).tolist())
