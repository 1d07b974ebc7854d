# Run the examples in the docstrings of some functions.
import doctest


def mean(values):
    """Return the mean of some numbers.

    >>> mean([1, 2, 3, 4])
    2.5
    >>> mean([])
    Traceback (most recent call last):
        ...
    ValueError: no values
    """
    if not values:
        raise ValueError("no values")
    return sum(values) / len(values)


def initials(name):
    """Return the initials of a name.

    >>> initials("grace brewster hopper")
    'G. B. H.'
    >>> for person in ("Ann Lee", "Bo"):
    ...     print(initials(person))
    A. L.
    B.
    """
    return " ".join(f"{part[0].upper()}." for part in name.split())


result = doctest.testmod()
print("examples:", result.attempted)
print("failures:", result.failed)
