"""Directories for a while.

Its own file because its two names are imported by programs that use CodeJail.
Changes when: they do.
"""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def temp_directory():
    """The path of a new directory, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="codejail-") as directory:
        yield directory


@contextlib.contextmanager
def change_directory(new_dir):
    """Works in another directory until the end."""
    before = os.getcwd()
    os.chdir(new_dir)
    try:
        yield new_dir
    finally:
        os.chdir(before)
