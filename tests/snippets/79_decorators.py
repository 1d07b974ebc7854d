# Write decorators that log, check types, repeat and remember.
import functools
import inspect


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        result = function(*args, **kwargs)
        arguments = ", ".join(f"{name}={value!r}" for name, value in bound.arguments.items())
        print(f"{function.__name__}({arguments}) = {result!r}")
        return result
    return wrapper


def checked(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        for name, value in inspect.signature(function).bind(*args, **kwargs).arguments.items():
            if not isinstance(value, function.__annotations__[name]):
                raise TypeError(f"{name} has the wrong type")
        return function(*args, **kwargs)
    return wrapper


@logged
@checked
def repeat(word: str, times: int = 2) -> str:
    """Repeat a word."""
    return word * times


repeat("ha")
repeat("ho", times=3)
try:
    repeat(5)
except TypeError as error:
    print("TypeError:", error)
print(repeat.__name__, repeat.__doc__, inspect.signature(repeat))
