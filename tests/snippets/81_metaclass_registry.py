# Register classes with a metaclass and with __init_subclass__.
class Registry(type):
    known = {}

    def __new__(mcs, name, bases, namespace, **options):
        cls = super().__new__(mcs, name, bases, namespace)
        if bases:
            mcs.known[options.get("code", name.lower())] = cls
        return cls

    def __len__(cls):
        return len(cls.known)


class Exporter(metaclass=Registry):
    def export(self, data):
        raise NotImplementedError


class Csv(Exporter):
    def export(self, data):
        return ",".join(map(str, data))


class Lines(Exporter, code="txt"):
    def export(self, data):
        return "|".join(f"line {item}" for item in data)


class Plugin:
    plugins = []

    def __init_subclass__(cls, priority=0, **kwargs):
        super().__init_subclass__(**kwargs)
        Plugin.plugins = sorted(Plugin.plugins + [(priority, cls.__name__)])


type("Late", (Plugin,), {}, priority=9)
type("Early", (Plugin,), {}, priority=1)
for code, cls in sorted(Registry.known.items()):
    print(code, cls().export([1, 2]))
print(len(Exporter), Plugin.plugins)
