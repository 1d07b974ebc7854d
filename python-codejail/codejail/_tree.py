"""The files that a run brings along, read from the host into memory.

Its own file because it decides what of the host goes into a jail, and under which names.
Changes when: files are given in another way.

Nothing of it is written to the host. A link is followed only if it leads to what is brought along as well; one that leads elsewhere
becomes a file that cannot be opened, so that the code is told what it would be told of the place itself: permission denied.
"""

import os
import typing

from .exceptions import JailError

PAGE = 4096
DEEPEST = 32  # links that lead to links


class Tree:
    """files: paths and bytes. directories: paths. closed: paths of what cannot be opened."""

    def __init__(self) -> None:
        self.files: typing.Dict[str, bytes] = {}
        self.directories: typing.List[str] = []
        self.closed: typing.List[str] = []
        self._links: typing.Dict[str, str] = {}

    def add_bytes(self, name: str, data: bytes) -> None:
        """A file of the working directory itself."""
        self.files[plain_name(name)] = bytes(data)

    def add_path(self, path: str) -> None:
        """A file or a directory of the host, under its own name."""
        path = os.fspath(path)
        name = plain_name(os.path.basename(path))
        if os.path.islink(path) or not os.path.isdir(path):
            self._add(path, name)
            return
        for place, directories, files in os.walk(path):
            inside = os.path.normpath(os.path.join(name, os.path.relpath(place, path)))
            self.directories.append(inside)
            for entry in files + [entry for entry in directories if os.path.islink(os.path.join(place, entry))]:
                self._add(os.path.join(place, entry), os.path.join(inside, entry))

    def _add(self, path: str, name: str) -> None:
        if os.path.islink(path):
            self._links[name] = os.readlink(path)
            return
        if not os.path.isfile(path) and os.path.exists(path):
            raise JailError("%r is neither a file nor a directory" % path)
        with open(path, "rb") as file:
            self.files[name] = file.read()

    def settle(self) -> None:
        """Puts in the place of each link what it leads to."""
        for name in sorted(self._links):
            target = self._target(name)
            if target is None:
                self.files[name] = b""
                self.closed.append(name)
            elif target in self.files:
                self.files[name] = self.files[target]
            else:
                self._copy_directory(target, name)
        self._links.clear()

    def _target(self, name: str) -> typing.Optional[str]:
        for _ in range(DEEPEST):
            target = self._links[name]
            name = os.path.normpath(os.path.join(os.path.dirname(name), target))
            if target.startswith("/") or name == ".." or name.startswith("../"):
                return None
            if name not in self._links:
                return name if name in self.files or name in self.directories else None
        return None

    def _copy_directory(self, target: str, name: str) -> None:
        for path, data in list(self.files.items()):
            if path.startswith(target + "/"):
                self.files[name + path[len(target):]] = data
        for path in list(self.directories):
            if path == target or path.startswith(target + "/"):
                self.directories.append(name + path[len(target):])

    def size(self) -> int:
        """Bytes that all of it takes, in whole pages."""
        return sum(-(-len(data) // PAGE) * PAGE for data in self.files.values()) + PAGE * (len(self.files) + len(self.directories))


def plain_name(name: str) -> str:
    """A name without a directory, or JailError: with "/" or ".." it would be a place that nobody meant."""
    if not isinstance(name, str) or not name or "/" in name or "\0" in name or name in (".", "..", "tmp"):
        raise JailError("%r cannot be the name of a file in the jail: give one without a directory, other than \"tmp\"" % (name,))
    return name
