"""What a snippet of the level "restricted" may change: RestrictedPython's guards of what is written.

Its own file because it is one rule, met by each statement that stores and by each way around it.
Changes when: something else may be changed, or something else stores. Every test runs in a cold jail and in a parked one.
"""
import belljar_run
import pytest
from policies import denied, raised

NO_ATTRIBUTES = "TypeError: attribute-less object (assign or del): "
NO_ITEMS = "TypeError: object does not support item or slice assignment: "
MODULES = {"collections": ["*"], "contextlib": ["*"], "array": ["array"], "decimal": ["Context"],
           "functools": ["*"], "operator": ["*"], "string": ["Formatter"], "types": ["MappingProxyType"], "enum": ["*"],
           "dataclasses": ["*"], "math": ["*"], "random": ["Random"]}
THINGS = """
import array, collections, contextlib, dataclasses, decimal, enum, functools, math, operator, random, string, types
class Own:
    shared = 1
    def __init__(self): self.x = 0
class Slots(Own): pass
class Text(str): pass
def f(n=1): return n
own = Own()
@contextlib.contextmanager
def gives(value): yield value
"""


@pytest.fixture
def run(under):
    def run(source):
        return under({"level": "restricted", "modules": MODULES, "recursion_limit": 300}, THINGS + source)
    return run


# ---- statements ------------------------------------------------------------------------------------------------------

STORES = ["{0} = 1", "del {0}", "for {0} in [1]: pass", "with gives(1) as {0}: pass", "with gives((1, 2)) as (a, {0}): pass",
          "a, {0} = 1, 2",
          "[a, *{0}] = 1, 2", "*{0}, a = 1, 2", "(a, (b, {0})) = 1, (2, 3)", "a = {0} = 1", "[0 for {0} in [1]]",
          "{{0 for a, {0} in [(1, 2)]}}",
          "{{a: 0 for a in [1] for {0} in [1]}}", "list(0 for {0} in [1])", "class Other:\n    {0} = 1",
          "class Other:\n    for {0} in [1]: pass",
          "class Other:\n    def __init__(self): {0} = 1\nOther()", "(lambda: [0 for {0} in [1]])()",
          "def g():\n    global f\n    {0} = 1\ng()",
          "def g(a=[0 for {0} in [1]]): pass", "def g():\n    yield\n    {0} = 1\nlist(g())",
          "try: 1 / 0\nexcept ZeroDivisionError as e: {0} = e",
          "del (own.x, {0})", "f({0} if [0 for {0} in [1]] else 2)"]


@pytest.mark.parametrize("store", STORES)
def test_a_function_keeps_its_attributes_and_a_dict_view_its_items(run, store):
    result = run(store.format("f.x"))
    assert raised(result).startswith(NO_ATTRIBUTES) and ("change of function.x", None) in denied(result), result
    result = run("view = types.MappingProxyType({1: 2})\n" + store.format("view[1]"))
    assert raised(result).startswith(NO_ITEMS) and ("change of an item of mappingproxy", None) in denied(result), result


@pytest.mark.parametrize("store", [store for store in STORES if not store.startswith(("del", "f("))])
def test_an_own_object_and_a_list_take_what_they_are_given(run, store):
    assert run(store.format("own.x")).status == "ok"
    assert run("items = [1]\n" + store.format("items[0]")).status == "ok"
    assert run("items = {}\n" + store.format("items['k']")).status == "ok"


@pytest.mark.parametrize("source,said", [
    ("f.x += 1", "Augmented assignment of attributes is not allowed."), ("f.x: int = 1", "AnnAssign statements are not allowed."),
    ("(f.x := 1)", "cannot use assignment expressions with attribute"), ("import math as f.x", "SyntaxError"),
    ("try: 1 / 0\nexcept ZeroDivisionError as f.x: pass", "SyntaxError"), ("match 1:\n case f.x: pass", "SyntaxError"),
    ("match {}:\n case {'a': f.x}: pass", "SyntaxError"), ("def g():\n nonlocal f", "SyntaxError"),
    ("f.__dict__['x'] = 1", '"__dict__" is an invalid attribute name'),
    ("Own.__dict__['x'] = 1", '"__dict__" is an invalid attribute name'),
    ("f.__setattr__('x', 1)", '"__setattr__" is an invalid'), ("Own.shared.__set__(own, 1)", '"__set__" is an invalid'),
    ("class A:\n __slots__ = ['x']", '"__slots__" is an invalid'),
    ("class A:\n def __setattr__(self, n, v): pass", '"__setattr__" is an invalid'),
    ("functools.partial(f).__setstate__((f, (), {}, {}))", '"__setstate__" is an invalid'),
    ("f.__name__ = 'g'", '"__name__" is an invalid'), ("f.__code__ = 1", '"__code__" is an invalid'),
])
def test_other_ways_to_say_it_are_refused_in_the_text(run, source, said):
    assert said in raised(run(source))


# ---- objects ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("thing,kind", [
    ("f", "function"), ("(lambda: 0)", "function"), ("Own", "type"), ("int", "type"), ("ValueError", "type"),
    ("SandboxError", "type"),
    ("ValueError('a')", "ValueError"), ("SandboxError('a')", "SandboxError"), ("len", "builtin_function_or_method"),
    ("math", "SafeModule"),
    ("contextlib.contextmanager", "function"), ("functools.partial(f)", "functools.partial"),
    ("functools.lru_cache(f)", "functools._lru_cache_wrapper"),
    ("property(f)", "property"), ("staticmethod(f)", "staticmethod"), ("[]", "list"), ("{}", "dict"), ("'a'", "str"),
    ("(i for i in [])", "generator"),
    ("collections.Counter()", "Counter"), ("decimal.Context()", "decimal.Context"), ("random.Random()", "Random"),
    ("None", "NoneType"),
    ("enum.Enum('Color', 'RED')", "EnumType"), ("collections.namedtuple('P', 'a')", "type"), ("own.total", "method"),
])
def test_nothing_else_has_attributes_that_can_be_changed(run, thing, kind):
    source = "class Own:\n    def total(self): return 1\nown = Own()\n" + "thing = %s\n" % thing
    for store in ("thing.prec = 1", "del thing.prec", "setattr(thing, 'prec', 1)", "delattr(thing, 'prec')"):
        result = run(source + store)
        assert raised(result).startswith(NO_ATTRIBUTES), (store, result)
        what = {what for what, feature in denied(result) if not feature}  # Enum() has looked for its caller, which is denied too
        assert what in ({"change of %s.prec" % kind}, {"change of EnumMeta.prec"}), (store, result)  # before 3.11


def test_objects_of_own_classes_are_the_snippets(run):
    result = run("""
class Failure(ValueError):
    def __init__(self, code): self.code = code
class Names(dict): pass
class Tuned(decimal.Context): pass
class Color(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Point:
    x = 1
class Square:
    def __init__(self): self.side = 1
    def area(self): return self.side ** 2
    def resize(self, area): self.side = area
    area = property(area, resize)
failure, names, tuned, square, text = Failure(3), Names(), Tuned(), Square(), Text('t')
failure.more, names.a, names['k'], tuned.prec, square.area, text.y = 1, 2, 3, 7, 16, 5
Color.RED.note = 'n'
point = Point()
point.z = 8
setattr(own, 'later', 9)
del names['k'], own.x
delattr(own, 'later')
out = [failure.code, failure.more, names.a, len(names), tuned.prec, square.side, text.y, Color.RED.note, point.z]
out.append(getattr(own, 'x', None))
""")
    assert result.status == "ok" and result.globals["out"] == [3, 1, 2, 0, 7, 16, 5, "n", 8, None] and not denied(result), result


def test_containers_take_items_and_nothing_else_does(run):
    result = run("""
items, numbers, queue = [1, 2, 3], array.array('i', [1, 2]), collections.deque([1])
counter, ordered, grouped = collections.Counter(), collections.OrderedDict(), collections.defaultdict(list)
items[0], numbers[0], queue[0], counter['a'], ordered['a'], grouped['a'] = 7, 8, 9, 10, 11, 12
items[1:] = [5]
del grouped['a'], items[-1:]
out = [items, list(numbers), list(queue), counter, ordered, grouped]
""")
    assert result.status == "ok" and not denied(result), result
    assert result.globals["out"] == [[7], [8, 2], [9], {"a": 10}, {"a": 11}, {}], result
    for thing, kind in (("(1,)", "tuple"), ("'a'", "str"), ("f", "function"), ("Own", "type"), ("math", "SafeModule"),
                        ("collections.ChainMap({})", "ChainMap")):
        for store in ("thing[0] = 1", "del thing[0]", "operator.setitem(thing, 0, 1)", "operator.delitem(thing, 0)"):
            result = run("thing = %s\n%s" % (thing, store))
            assert raised(result).startswith(NO_ITEMS), (thing, store, result)
            assert denied(result) == [("change of an item of " + kind, None)], (thing, store, result)


def test_values_of_the_host_are_read_only_as_ever(under):
    result = under({"level": "restricted"}, "data.x = 1", "--globals", '{"data": {"l": [1]}}')
    assert raised(result).startswith(NO_ATTRIBUTES) and len(denied(result)) == 1, result
    for store in ("data['a'] = 1", "data['l'][0] = 1", "del data['a']"):
        result = under({"level": "restricted"}, store, "--globals", '{"data": {"l": [1]}}')
        assert raised(result) == "SandboxError: Read only object" and len(denied(result)) == 1, result


def test_an_object_is_worked_out_once_and_when_it_always_was(run):
    result = run("""
order = []
def note(what, value):
    order.append(what)
    return value
note('object', own).x = note('value', 1)
note('list', [0])[note('index', 0)] = note('item', 1)
for note('target', own).x in [1, 2]: pass
""")
    assert result.globals["order"] == ["value", "object", "item", "list", "index", "target", "target"], result


def test_names_of_the_text_and_lines_are_as_they_were(run, under):
    result = under({"level": "restricted"}, "a = []\na[0:0] = [1]\nclass A: pass\nb = A()\nb.c = len(a)\n")
    assert result.status == "ok" and sorted(result.policy["names"]) == ["A", "a", "b", "len"], result
    result = under({"level": "restricted"}, "def f():\n    pass\n\nf.x = (\n    1)\n")
    assert 'line 4, in <module>\n    f.x = (\n' in result.exception["traceback"], result


# ---- ways around -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source,said", [
    ("setattr(f, 'x', 1)", NO_ATTRIBUTES), ("setattr(Own, 'shared', 2)", NO_ATTRIBUTES), ("delattr(Own, 'shared')", NO_ATTRIBUTES),
    ("list(map(setattr, [f], ['x'], [1]))", NO_ATTRIBUTES), ("functools.partial(setattr, f)('x', 1)", NO_ATTRIBUTES),
    ("functools.reduce(lambda a, b: setattr(*a, b), [1], (f, 'x'))", NO_ATTRIBUTES),
    ("setattr(own, '__class__', Own)", 'AttributeError: "__class__" is an invalid attribute name'),
    ("setattr(own, '__dict__', {})", 'AttributeError: "__dict__" is an invalid attribute name'),
    ("object.__setattr__(f, 'x', 1)", "SyntaxError"), ("type.__setattr__(Own, 'x', 1)", "SyntaxError"), ("object", "NameError"),
    ("type", "NameError"),
    ("super", "NameError"), ("vars(f)['x'] = 1", "NameError"), ("globals()['f']", "NameError"), ("locals", "NameError"),
    ("getattr(f, '__dict__')['x'] = 1", 'AttributeError: "__dict__"'),
    ("getattr(own, '__dict__')['x'] = 1", 'AttributeError: "__dict__"'),
    ("getattr(f, '__setattr__')('x', 1)", 'AttributeError: "__setattr__"'),
    ("operator.attrgetter('__dict__')(f)['x'] = 1", 'AttributeError: "__dict__"'),
    ("operator.attrgetter('x.__dict__')(own)", 'AttributeError: "__dict__"'),
    ("operator.attrgetter('x', '__class__.shared')(own)", 'AttributeError: "__class__"'),
    ("operator.attrgetter(Text('__dict__'))(f)", 'AttributeError: "__dict__"'),
    ("operator.attrgetter('gi_frame')(i for i in [])", 'AttributeError: "gi_frame"'),
    ("operator.methodcaller('__setattr__', 'x', 1)(f)", 'AttributeError: "__setattr__"'),
    ("operator.methodcaller(Text('__setattr__'), 'x', 1)(f)", 'AttributeError: "__setattr__"'),
    ("operator.methodcaller('__setstate__', (f, (), {}, {}))(functools.partial(f))", 'AttributeError: "__setstate__"'),
    ("functools.partial(operator.methodcaller, '__delattr__')('x')(f)", 'AttributeError: "__delattr__"'),
    ("from operator import methodcaller as m\nm('__setitem__', 0, 1)", 'AttributeError: "__setitem__"'),
    ("list(map(operator.setitem, [(1,)], [0], [1]))", NO_ITEMS), ("operator.setitem(types.MappingProxyType({}), 1, 2)", NO_ITEMS),
    ("operator.attrgetter(1)", "TypeError: attribute name must be a string"), ("operator.methodcaller()", "TypeError"),
    # string.Formatter reads any attribute for its caller: what it hands over stores no more than a statement does.
    ("string.Formatter().get_field('0.__setattr__', (f,), {})[0]('x', 1)", NO_ATTRIBUTES),
    ("string.Formatter().get_field('0.__delattr__', (f,), {})[0]('x')", NO_ATTRIBUTES),
    ("string.Formatter().get_field('0.__class__.__setattr__', (Own,), {})[0](Own, 'shared', 2)", NO_ATTRIBUTES),
    ("string.Formatter().get_field('0.__class__.__setattr__', (f,), {})[0](f, 'x', 2)", NO_ATTRIBUTES),
    ("string.Formatter().get_field('0.__class__.__base__.__setattr__', (f,), {})[0](f, 'x', 2)", NO_ATTRIBUTES),
    ("string.Formatter().get_field('0.__setitem__', (types.MappingProxyType({}),), {})", "AttributeError"),
    ("string.Formatter().get_field('0.__class__.__dict__', (own,), {})[0]['shared'] = 2", NO_ITEMS),
    ("p = property(f)\nstring.Formatter().get_field('0.__set__', (p,), {})[0](f, 2)", NO_ATTRIBUTES),
])
def test_no_way_around(run, source, said):
    assert raised(run(source)).startswith(said)


def test_what_is_allowed_goes_by_deputies_too(run):
    result = run("""
operator.setitem(d := {}, 'a', 1)
operator.delitem(l := [1, 2], 0)
out = [operator.attrgetter('x')(own), operator.attrgetter('x', 'x.real')(own), operator.methodcaller('upper')('a'),
       operator.methodcaller('split', sep='b')('abc'), d, l, list(map(operator.attrgetter('x'), [own])),
       operator.itemgetter(1)([1, 2])]
string.Formatter().get_field('0.__setattr__', (own,), {})[0]('y', 3)
out.append(own.y)
""")
    assert result.status == "ok" and not denied(result), result
    assert result.globals["out"] == [0, [0, 0], "A", ["a", "c"], {"a": 1}, [2], [0], 2, 3], result


def test_the_library_may_do_its_work(run):
    """Its own statements go by no guard: what wraps a function names it, and a class of its own keeps what it is given."""
    result = run("""
def decorator(function):
    @functools.wraps(function)
    def inner(*args): return function(*args)
    return inner
@decorator
def doubled(n): return n * 2
@functools.singledispatch
def kind(value): return 'other'
@kind.register(int)
def kind_of_int(value): return 'int'
@functools.lru_cache(maxsize=None)
def cached(n): return n + 1
@functools.total_ordering
class Ordered:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other.n
    def __lt__(self, other): return self.n < other.n
Pair = collections.namedtuple('Pair', 'a b')
Color = enum.Enum('Color', 'RED GREEN')
fields = [('x', int), ('y', int, dataclasses.field(default=5))]
Made = dataclasses.make_dataclass('Made', fields)
context = decimal.Context(prec=4)
generator = random.Random(1)
chosen = generator.random() < 1
with contextlib.suppress(ValueError): raise ValueError
out = [doubled(2), kind(1), kind('a'), cached(1), Ordered(1) >= Ordered(0), Pair(1, 2).b, Color.RED.name, Made(1).y]
out += [context.prec, chosen]
""")
    assert result.status == "ok" and result.globals["out"] == [4, "int", "other", 2, True, 2, "RED", 5, 4, True], result


def test_other_levels_are_as_they_were(under):
    result = under("stdout", "def f(): pass\nf.x = 1\nclass C: pass\nC.y = 2\nsetattr(C, 'z', 3)\nprint(f.x, C.y, C.z)\n")
    assert result.status == "ok" and result.stdout == "1 2 3\n", result


@pytest.mark.parametrize("store", ["[0 for (lambda: 0).x in [1]]", "[0 for (1, 2)[0] in [1]]"])
def test_an_expression_stores_in_its_comprehensions(either, store):
    for source, ends in ((store, "exception"), ("[0 for [1][0] in [1]]", "ok")):
        policy = ["--policy", '{"level": "restricted"}']
        result = belljar_run.run_argv([either, "eval", "--json", "-P", "python", *policy, "--", source])
        assert result.status == ends and len(denied(result)) == (ends != "ok"), result


@pytest.mark.parametrize("options", [["--trace"], ["--display"], ["--deterministic"]])
def test_a_run_of_another_kind_has_the_same_guards(under, options):
    result = under({"level": "restricted", "features": ["stdout"]}, "def f(): pass\nf.x = 1\n", *options)
    assert raised(result).startswith(NO_ATTRIBUTES) and denied(result) == [("change of function.x", None)], result
    source = "class A: pass\na = A()\na.x = 1\nb = [0]\nb[0] = a.x\n"
    result = under({"level": "restricted", "features": ["stdout"]}, source, *options)
    assert result.status == "ok" and result.globals["b"] == [1], result
