"""The source of a function of the caller's, which goes to a jail in the function's place.

Its own file because several ways of calling need it, and none of them runs it here.
Changes when: the source of another kind of function can be had.
"""

import ast
import inspect
import linecache
import textwrap

from ._errors import InvalidError


def _wrong(text):
    return InvalidError(text, field="function")


def _same(code, text):
    made = compile("(%s)" % text, "<lambda>", "eval").co_consts[0]
    return all(getattr(made, what) == getattr(code, what) for what in ("co_code", "co_names", "co_varnames"))


def _lambda_source(code):
    """Of all that begin on its line, the one that compiles to the same."""
    whole = "".join(linecache.getlines(code.co_filename))
    try:
        nodes = [node for node in ast.walk(ast.parse(whole)) if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno]
        texts = {text for text in (ast.get_source_segment(whole, node) for node in nodes) if text and _same(code, text)}
    except SyntaxError:
        texts = set()
    if len(texts) != 1:
        raise _wrong("the source of a lambda cannot be told from what stands around it; define it with def in a file")
    return texts.pop()


def function_source(function, name=None) -> str:
    """Statements that define it, under its own name or another one. InvalidError where the source cannot be had."""
    code = getattr(function, "__code__", None)
    if code is not None and code.co_freevars:
        raise _wrong("it uses %s of the function around it, which stays here; give that as an argument" %
                     ", ".join(code.co_freevars))
    if code is not None and function.__name__ == "<lambda>":
        return "%s = %s\n" % (name or "function", _lambda_source(code))
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise _wrong("its source cannot be had; define it with def in a file") from None
    if not source.startswith("def "):
        raise _wrong("is no plain function: it starts with %r; define it with def, without decorators" % source.split("\n", 1)[0])
    renamed = "" if name in (None, function.__name__) else "%s = %s\n" % (name, function.__name__)
    return "%s\n%s" % (source, renamed)
