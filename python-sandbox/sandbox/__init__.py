"""pysandbox's interface: Sandbox, SandboxConfig, SandboxError and Timeout, with a jail behind them.

    from sandbox import Sandbox, SandboxConfig
    Sandbox(SandboxConfig("stdout")).execute("print('in the jail')")

Its own file because programs import these names from here.
Changes when: pysandbox's programs are found to import another name.
"""

import platform as _platform

from .errors import SandboxError, Timeout

DEFAULT_TIMEOUT = 5.0
HAVE_CSANDBOX = True  # the denials are made in the guest, in C
HAVE_CPYTHON_RESTRICTED = False  # Python 2 had it
HAVE_PYPY = _platform.python_implementation() == "PyPy"

from .config import SandboxConfig  # noqa: E402  they read the names above
from .sandbox_class import Sandbox  # noqa: E402
from .version import VERSION as __version__  # noqa: E402

__all__ = ["DEFAULT_TIMEOUT", "HAVE_CPYTHON_RESTRICTED", "HAVE_CSANDBOX", "HAVE_PYPY", "Sandbox", "SandboxConfig", "SandboxError",
           "Timeout"]
