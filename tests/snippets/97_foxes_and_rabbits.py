# Simulate how foxes and rabbits live together.
def simulate(rabbits, foxes, months):
    for month in range(months + 1):
        yield month, rabbits, foxes
        born = 0.20 * rabbits * (1 - rabbits / 2000)
        eaten = 0.004 * rabbits * foxes
        rabbits = max(0.0, rabbits + born - eaten)
        foxes = max(0.0, foxes + 0.25 * eaten - 0.15 * foxes)


def bar(value, symbol, scale):
    return symbol * round(value / scale)


history = list(simulate(rabbits=400, foxes=20, months=60))
print("month rabbits foxes")
for month, rabbits, foxes in history[::4]:
    print(f"{month:5d} {rabbits:7.0f} {foxes:5.0f} {bar(rabbits, 'r', 40)}{bar(foxes, 'F', 10)}")

peak = max(history, key=lambda entry: entry[1])
print(f"most rabbits in month {peak[0]}: {peak[1]:.0f}")
peak = max(history, key=lambda entry: entry[2])
print(f"most foxes in month {peak[0]}: {peak[2]:.0f}")
