# Play a number guessing game with a fixed answer.
SECRET = 37


def check(guess):
    if guess < SECRET:
        return "too low"
    if guess > SECRET:
        return "too high"
    return "correct"


low, high = 1, 100
tries = 0
while True:
    guess = (low + high) // 2
    tries += 1
    answer = check(guess)
    print(f"Guess {tries}: {guess} is {answer}")
    if answer == "correct":
        break
    if answer == "too low":
        low = guess + 1
    else:
        high = guess - 1

print("Found the number in", tries, "tries.")
