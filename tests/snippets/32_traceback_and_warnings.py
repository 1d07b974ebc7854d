# Collect warnings and look into the traceback of an error.
import traceback
import warnings


def old_area(width, height):
    warnings.warn("old_area is old, use area", DeprecationWarning, stacklevel=2)
    return width * height


def parse(text):
    return int(text)


def load(values):
    return [parse(value) for value in values]


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print("area:", old_area(3, 4))
    warnings.warn("the disk is nearly full")
for warning in caught:
    print(f"{warning.category.__name__}: {warning.message}")

try:
    load(["1", "2", "three"])
except ValueError as error:
    frames = traceback.extract_tb(error.__traceback__)
    print("outermost:", frames[0].name, "innermost:", frames[-1].name)
    print("failing line:", frames[-1].line)
    last_line = traceback.format_exception_only(type(error), error)[-1]
    print(last_line.strip())
