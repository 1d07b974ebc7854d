# Work out average grades of a school class.
grades = {
    "Anna": [90, 85, 77],
    "Ben": [60, 71, 58],
    "Carla": [99, 94, 100],
    "David": [45, 52, 38],
}


def letter(average):
    for limit, name in [(90, "A"), (80, "B"), (70, "C"), (60, "D")]:
        if average >= limit:
            return name
    return "F"


averages = {name: sum(marks) / len(marks) for name, marks in grades.items()}
for name in sorted(averages, key=averages.get, reverse=True):
    print(f"{name:<6} {averages[name]:6.2f}  {letter(averages[name])}")

best = max(averages, key=averages.get)
failed = [name for name, average in averages.items() if letter(average) == "F"]
print("Best:", best)
print("Failed:", ", ".join(failed) or "nobody")
print(f"Class average: {sum(averages.values()) / len(averages):.1f}")
