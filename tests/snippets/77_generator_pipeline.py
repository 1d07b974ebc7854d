# Process sensor readings with a chain of generators.
LINES = """
# time value
08:00 21.5
08:05 21.7
08:10 error
08:15 35.0
08:20 22.1
"""


def records(text):
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield tuple(line.split())


def valid(pairs):
    skipped = 0
    for time, value in pairs:
        try:
            yield time, float(value)
        except ValueError:
            skipped += 1
    return skipped


def smooth(pairs, limit):
    last = None
    for time, value in pairs:
        if last is None or abs(value - last) < limit:
            last = value
            yield time, value


def report(text):
    skipped = yield from valid(records(text))
    yield "skipped", skipped


print(list(report(LINES)))
print("smooth:", [f"{time}={value}" for time, value in smooth(valid(records(LINES)), limit=5)])
