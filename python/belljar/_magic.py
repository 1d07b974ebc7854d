"""%%belljar for IPython: a cell that runs in a jail.

Its own file because IPython need not be there.
Changes when: the cell takes another option.
"""

import shlex

from ._sandbox import Sandbox


def load(shell):
    """Called by %load_ext belljar."""
    kept = {}

    def cell(line, code):
        """%%belljar [PROFILE]: runs the cell in a parked jail. Shows what it wrote, and pictures that it saved."""
        words = shlex.split(line)
        profile = words[0] if words else "python"
        if profile not in kept:
            kept[profile] = Sandbox(profile, jails=2, collect=["*.png", "*.jpg", "*.jpeg"])
        return kept[profile].execute(code)

    shell.register_magic_function(cell, "cell", "belljar")
