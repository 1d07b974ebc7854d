# Simulate a random walk and draw it as text.
import random

random.seed(99)
position = 0
history = [position]
for _ in range(60):
    position += random.choice((-1, 1))
    history.append(position)

for level in range(max(history), min(history) - 1, -1):
    line = "".join("o" if value == level else "-" if level == 0 else " " for value in history)
    print(f"{level:4d} {line}".rstrip())

print("final position:", history[-1])
print("visits at zero:", history.count(0))
print("farthest away:", max(map(abs, history)))


def return_time(limit=1000):
    place = 0
    for step in range(1, limit + 1):
        place += random.choice((-1, 1))
        if place == 0:
            return step
    return None


times = [return_time() for _ in range(100)]
returned = sorted(time for time in times if time)
print(f"{len(returned)} of 100 walks came back, half of them within {returned[len(returned) // 2]} steps")
