"""The first part of what runs in the jail, before the code itself. The host reads this file, and never imports it.

Its own file because it is another program than the host's: its built-ins are the policy's, and SandboxError is one of them.
Changes when: proxy.py describes another kind of value, or the host asks for something else.
"""


def sandbox_function(source):
    names = {}
    exec(source, names)
    return names["function"]


def sandbox_method(name, value, doc):
    def method(self):
        return value
    method.__name__ = name
    method.__doc__ = doc
    return method


def sandbox_object(told):
    """A read-only view: what its methods said in the host, and those of its attributes that JSON can hold."""
    fields = told["fields"]

    def read(self, name):
        try:
            return fields[name]
        except KeyError:
            raise AttributeError("%r object has no attribute %r" % (told["type"], name)) from None

    def refuse(self, *unused):
        raise SandboxError("Read only object")  # noqa: F821

    members = {name: sandbox_method(name, value, doc) for name, (value, doc) in told["shown"].items()}
    members.update(__slots__=(), __doc__=told["doc"], __getattr__=read, __setattr__=refuse, __delattr__=refuse,
                   __dict__=property(lambda self: fields))
    return type(told["type"], (), members)()


def sandbox_builtin(name):
    return eval(name, {})


def sandbox_int(text):
    return int(text, 16)


def sandbox_text(digits):
    return bytes.fromhex(digits).decode("utf-8", "surrogatepass")


def sandbox_value(told):
    kind, value = told
    make = {"float": float, "int": sandbox_int, "text": sandbox_text, "bytes": bytes.fromhex, "builtin": sandbox_builtin,
            "function": sandbox_function, "object": sandbox_object}
    if kind == "tuple":
        return tuple([sandbox_value(item) for item in value])
    return make[kind](value) if kind in make else value


def sandbox_names(told):
    return None if told is None else {name: sandbox_value(value) for name, value in told.items()}


def sandbox_tell(names, prefix):
    """Each is a variable of its own: one that JSON cannot hold does not keep the others back."""
    for name, value in (names or {}).items():
        if name not in ("__builtins__", "__warningregistry__"):
            globals()[prefix + name] = value
