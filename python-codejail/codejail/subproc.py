"""The log that CodeJail's programs look at.

Its own file because they know it by this name.
Changes when: they do.
"""

import logging

from .exceptions import JailError

log = logging.getLogger("codejail")


def run_subprocess(*args, **kwargs):
    """Of CodeJail's inside: it ran any program without a jail, and does not exist here."""
    raise JailError("programs are run with jail_code.jail_code, each in a jail")
