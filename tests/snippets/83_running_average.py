# Feed values into generator based coroutines.
import functools


def started(function):
    @functools.wraps(function)
    def wrapper(*args):
        coroutine = function(*args)
        next(coroutine)
        return coroutine
    return wrapper


@started
def running_average():
    total, count, average = 0, 0, None
    while True:
        value = yield average
        total += value
        count += 1
        average = total / count


@started
def collector(words):
    try:
        while True:
            try:
                words.append((yield len(words)))
            except ValueError as error:
                words.append(f"<{error}>")
    finally:
        words.append("the end")


averager = running_average()
print([averager.send(value) for value in (10, 20, 30, 0)])

words = []
target = collector(words)
print(target.send("first"), target.send("second"), target.throw(ValueError("oops")))
target.close()
print(words)
