"""Names that tests written for pysandbox import.

Its own file because they are for tests alone.
Changes when: such a test needs another one.
"""

import functools

from sandbox import Sandbox, SandboxConfig


class TestException(Exception):
    """Raised by a test for something of its own."""

    __test__ = False


class SkipTest(Exception):
    """The test does not fit here."""


def createSandboxConfig(*features, **options):
    options.pop("disable_debug", None)
    if createSandboxConfig.debug:
        features += ("stdout", "stderr")
    return SandboxConfig(*features, **options)


createSandboxConfig.debug = False
createSandboxConfig.cpython_restricted = None
createSandboxConfig.use_subprocess = True


def createSandbox(*features):
    return Sandbox(createSandboxConfig(*features))


def skipIf(condition, reason):
    """The decorated test raises SkipTest when the condition holds."""
    def decorate(function):
        @functools.wraps(function)
        def call(*args, **kw):
            if condition:
                raise SkipTest(reason)
            return function(*args, **kw)
        return call
    return decorate


def unindent(code):
    """Code that is indented as a whole, as a block."""
    return "if 1:\n%s\n" % code


def execute_code(code):
    """Outside of any sandbox."""
    exec(compile(code, "<test>", "exec"), {})
