# Open and close things with context managers.
import io
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress


class Door:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        print(f"open {self.name}")
        return self

    def __exit__(self, kind, error, trace):
        print(f"close {self.name}" + (f" after {kind.__name__}" if kind else ""))
        return kind is KeyError


@contextmanager
def changed(settings, **values):
    before = dict(settings)
    settings.update(values)
    try:
        yield settings
    finally:
        settings.clear()
        settings.update(before)


with Door("kitchen"), Door("garage") as door:
    raise KeyError(door.name)
settings = {"color": "red"}
with changed(settings, color="blue", extra=True) as inner:
    print(inner)
print(settings)
with ExitStack() as stack:
    stack.enter_context(Door("attic"))
    stack.callback(print, "lights off")
with redirect_stdout(io.StringIO()) as output, suppress(ZeroDivisionError):
    print("hidden")
    print(1 // 0)
print("captured:", repr(output.getvalue()))
