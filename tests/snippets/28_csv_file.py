# Write a CSV file, read it again and total the columns.
import csv
from pathlib import Path

rows = [
    {"city": "Oslo", "month": "Jan", "rain": 54},
    {"city": "Oslo", "month": "Jul", "rain": 81},
    {"city": "Cairo", "month": "Jan", "rain": 5},
    {"city": "Cairo", "month": "Jul", "rain": 0},
    {"city": 'Lima, "the dry one"', "month": "Jan", "rain": 1},
]

path = Path("rain.csv")
with path.open("w", newline="", encoding="utf-8") as file:
    writer = csv.DictWriter(file, fieldnames=["city", "month", "rain"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)

print(path.read_text(encoding="utf-8"), end="")

totals = {}
with path.open(newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        totals[row["city"]] = totals.get(row["city"], 0) + int(row["rain"])

for city, rain in sorted(totals.items()):
    print(f"{city:<20} {rain:>4} mm")
path.unlink()
print("file removed:", not path.exists())
