# Play FizzBuzz up to thirty.
def fizzbuzz(number):
    word = ""
    if number % 3 == 0:
        word += "Fizz"
    if number % 5 == 0:
        word += "Buzz"
    return word or str(number)


for number in range(1, 31):
    print(fizzbuzz(number), end="\n" if number % 10 == 0 else " ")

both = sum(1 for n in range(1, 101) if fizzbuzz(n) == "FizzBuzz")
print("FizzBuzz up to 100:", both)
