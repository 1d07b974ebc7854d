# Show how exceptions are raised, caught and cleaned up.
class NegativeNumberError(ValueError):
    def __init__(self, number):
        super().__init__(f"{number} is negative")
        self.number = number


def average(text):
    numbers = [int(part) for part in text.split()]
    for number in numbers:
        if number < 0:
            raise NegativeNumberError(number)
    return sum(numbers) / len(numbers)


for text in ["1 2 3", "4 five 6", "", "7 -8 9"]:
    try:
        result = average(text)
    except NegativeNumberError as error:
        print(f"{text!r}: refused because {error}, by {abs(error.number)}")
    except ValueError as error:
        print(f"{text!r}: {error}")
    except ZeroDivisionError:
        print(f"{text!r}: there are no numbers")
    else:
        print(f"{text!r}: average {result}")
    finally:
        print("  done")

try:
    try:
        {}["color"]
    except KeyError as error:
        raise RuntimeError("settings are incomplete") from error
except RuntimeError as error:
    print(error, "- caused by", repr(error.__cause__))
