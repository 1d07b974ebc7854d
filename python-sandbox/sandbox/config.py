"""SandboxConfig: what the code may use, and how much.

Its own file because it is data: it knows what Belljar's policy and limits are called, and starts nothing.
Changes when: a policy has another feature, or a setting means something else.
"""

import builtins
import importlib.util
import os.path
import typing

from . import DEFAULT_TIMEOUT

FEATURES = ("codecs", "datetime", "debug_sandbox", "encodings", "exit", "future", "hashlib", "help", "interpreter", "itertools",
            "math", "random", "regex", "site", "stderr", "stdin", "stdout", "time", "traceback", "unicodedata")
BROUGHT = {"interpreter": ("traceback", "stdin", "stdout", "stderr", "exit", "site", "encodings"), "debug_sandbox": ("traceback",),
           "encodings": ("codecs",), "help": ("regex",), "random": ("math", "hashlib")}
BUILTINS_OF_FEATURES = {"exit": {"BaseException", "KeyboardInterrupt", "SystemExit", "quit"}, "stdin": {"input"}, "help": {"help"}}
NEVER_BUILTINS = {"breakpoint", "copyright", "credits", "license", "Ellipsis", "__debug__", "__doc__", "__loader__", "__package__",
                  "__spec__"}
# A module that is had as an attribute would be the real one, with everything in it.
MODULES_OF_MODULES = {("sys", "modules")}
LONGEST = 86400.0
_UNSET = object()


class SandboxConfig:
    """SandboxConfig("stdout", "math"): nothing is allowed but the features that are named.

    timeout: seconds, or None. max_memory: set in MiB, read in bytes. recusion_limit: frames, 9 at least (the spelling is
    pysandbox's). sys_path: kept, and not used: the jail has a Python of its own. The code always runs in a jail;
    use_subprocess=False changes nothing.
    """

    def __init__(self, *features, **options):
        options.pop("use_subprocess", None)
        if options.pop("cpython_restricted", False):
            raise ValueError("Your Python version doesn't support the restricted mode")
        if options:
            raise TypeError("unexpected keywords: %s" % ", ".join(options))
        self.recusion_limit = 50
        self.sys_path = ()
        self._timeout = DEFAULT_TIMEOUT
        self._max_memory = 250 << 20
        self._features = set()
        self._modules = {}  # name: (attributes, safe attributes)
        self._paths = set()
        for feature in features:
            self.enable(feature)

    # ---- settings ----

    @property
    def features(self) -> typing.Set[str]:
        return set(self._features)

    use_subprocess = property(lambda self: True)
    cpython_restricted = property(lambda self: False)
    max_input_size = property(lambda self: 65536, doc="Bytes of code, globals and locals of execute(), as JSON.")
    max_output_size = property(lambda self: 65536, doc="Bytes of globals and locals that execute() brings back, as JSON.")

    @property
    def timeout(self) -> typing.Optional[float]:
        return self._timeout

    @timeout.setter
    def timeout(self, seconds):
        self._timeout = seconds or None

    @property
    def max_memory(self) -> int:
        return self._max_memory

    @max_memory.setter
    def max_memory(self, mebibytes):
        self._max_memory = int(mebibytes * (1 << 20))

    @property
    def import_whitelist(self):
        return {name: (tuple(sorted(plain)), tuple(sorted(safe))) for name, (plain, safe) in self._modules.items()}

    @property
    def open_whitelist(self):
        return set(self._paths)

    @property
    def builtins_whitelist(self):
        names = set(dir(builtins)) - NEVER_BUILTINS
        for feature, brought in BUILTINS_OF_FEATURES.items():
            names -= set() if self.has_feature(feature) else brought
        return names

    def has_feature(self, feature: str) -> bool:
        return feature in self._features

    def enable(self, feature: str) -> None:
        if feature not in FEATURES:
            raise ValueError("Unknown feature: %s" % feature)
        self._features.add(feature)
        for other in BROUGHT.get(feature, ()):
            self.enable(other)

    def allowModule(self, name: str, *attributes: str) -> None:
        """import name, and these attributes of it. More than one call adds to it."""
        self._modules.setdefault(name, (set(), set()))[0].update(attributes)
        self.allowModuleSourceCode(name)

    def allowSafeModule(self, name: str, *safe_attributes: str) -> None:
        """As allowModule. pysandbox did not put proxies around these; here none has one."""
        self._modules.setdefault(name, (set(), set()))[1].update(safe_attributes)
        self.allowModuleSourceCode(name)

    def allowPath(self, path: typing.Union[str, os.PathLike]) -> None:
        """open() may read it and, when it is a directory, everything below. It is mounted, read-only, where it is here."""
        self._paths.add(os.path.realpath(path))

    def allowModuleSourceCode(self, name: str) -> None:
        """With the feature traceback: the module's file may be read."""
        if not self.has_feature("traceback"):
            return
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return
        if found is not None and found.has_location:
            self.allowPath(found.origin)

    # ---- optparse ----

    @staticmethod
    def createOptparseOptions(parser, default_timeout=_UNSET) -> None:
        """Puts --features, --disable-subprocess, --allow-path and --timeout into a parser."""
        if default_timeout is _UNSET:
            default_timeout = DEFAULT_TIMEOUT
        told = "%.1f" % default_timeout if default_timeout else "none"
        parser.add_option("--features", help="what the code may use, with commas between: %s" % ", ".join(FEATURES))
        parser.add_option("--disable-subprocess", help="changes nothing: the code always runs in a jail", action="store_true")
        parser.add_option("--allow-path", metavar="PATH", help="a file or a directory that may be read", action="append")
        parser.add_option("--timeout", metavar="SECONDS", help="how long the code may run; %s by default" % told, type="float",
                          default=default_timeout)

    @staticmethod
    def fromOptparseOptions(options) -> "SandboxConfig":
        """The configuration that a command line asks for."""
        words = [word.strip() for word in (options.features or "").split(",")]
        config = SandboxConfig(*[word for word in words if word])
        for path in options.allow_path or ():
            config.allowPath(path)
        config.timeout = options.timeout
        return config

    # ---- in Belljar's words ----

    def policy(self) -> dict:
        """Of belljar-spec(5). One frame more: ours, which runs the code."""
        modules = {name: sorted(symbol for symbol in plain | safe if (name, symbol) not in MODULES_OF_MODULES)
                   for name, (plain, safe) in self._modules.items()}
        return {"features": sorted(self._features), "modules": modules, "paths": sorted(self._paths),
                "recursion_limit": self.recusion_limit + 1}

    def jail(self) -> dict:
        """Options of the jails, which are parked before any code is known."""
        seconds = self._timeout or LONGEST
        mounts = {path: path for path in sorted(self._paths) if not path.startswith("/usr/") and os.path.exists(path)}
        return {"limits": {"wall_seconds": seconds, "cpu_seconds": seconds, "memory_bytes": self._max_memory}, "mounts": mounts}
