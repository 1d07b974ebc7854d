# Let two players play rock, paper, scissors.
import random

BEATS = {"rock": "scissors", "paper": "rock", "scissors": "paper"}
CHOICES = list(BEATS)


def winner(first, second):
    if first == second:
        return None
    return 0 if BEATS[first] == second else 1


random.seed(2024)
names = ["Random Rita", "Clever Carl"]
score = [0, 0]
last = "rock"
for game in range(1, 11):
    rita = random.choice(CHOICES)
    carl = next(choice for choice in CHOICES if BEATS[choice] == last)
    result = winner(rita, carl)
    if result is not None:
        score[result] += 1
    text = "draw" if result is None else f"{names[result]} wins"
    print(f"Game {game:2}: {rita:>8} - {carl:<8} {text}")
    last = rita

print("Score:", ", ".join(f"{name} {points}" for name, points in zip(names, score)))
