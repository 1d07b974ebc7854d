# Write sales to a SQLite file and print a report by region.
import os
import random
import sqlite3
from contextlib import closing

random.seed(31)
with closing(sqlite3.connect("sales.db")) as db, db:
    db.execute("CREATE TABLE sale (region TEXT, month INTEGER, amount INTEGER)")
    for region in ("North", "South", "West"):
        for month in range(1, 7):
            db.execute("INSERT INTO sale VALUES (?, ?, ?)", (region, month, random.randint(10, 99)))
    db.execute("CREATE INDEX by_region ON sale (region, month)")

with closing(sqlite3.connect("sales.db")) as db:
    table = {}
    for region, month, amount in db.execute("SELECT * FROM sale ORDER BY region, month"):
        table.setdefault(region, []).append(amount)
    best = db.execute("SELECT region, month, MAX(amount) FROM sale").fetchone()
    totals = [row[0] for row in db.execute("SELECT SUM(amount) FROM sale GROUP BY month ORDER BY month")]

print("SALES REPORT".center(44))
print("=" * 44)
print(f"{'region':<8}" + "".join(f"{name:>5}" for name in "Jan Feb Mar Apr May Jun".split()) + f"{'sum':>6}")
for region, amounts in table.items():
    print(f"{region:<8}" + "".join(f"{amount:>5}" for amount in amounts) + f"{sum(amounts):>6}")
print("-" * 44)
print(f"{'all':<8}" + "".join(f"{total:>5}" for total in totals) + f"{sum(totals):>6}")
print("best month: {} in month {} with {}".format(*best))
os.remove("sales.db")
