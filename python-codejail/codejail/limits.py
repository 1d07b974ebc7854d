"""CodeJail's limits, as those of a jail.

Its own file because it is a table between two lists of names; the values are kept in jail_code, where programs look for them.
Changes when: either list does.
"""

import functools
import typing

MEMORY = 1 << 30  # of all processes of a run together, written files included; VMEM, which counts addresses, moves it up
FOREVER = 86400  # seconds; the longest time that a jail has
ANY_NUMBER = 1024  # processes, where NPROC sets no limit
SMALL = 1 << 18  # bytes that may be written in any case: directories need some
MANY = 64  # files of the size FSIZE may be written


def _round_up(count: int) -> int:
    """The next power of two: few different sizes, so that most runs find jails that are parked."""
    return 1 << max(16, (count - 1).bit_length())


def walls(limits: typing.Mapping[str, typing.Any], brought: int) -> typing.Dict[str, typing.Any]:
    """The limits of the jail. brought: how many bytes of files are brought along, in whole pages."""
    size, memory = limits["FSIZE"] or 0, limits["VMEM"] or 0
    room = _round_up(brought)
    disk = max(SMALL, MANY * size) + room
    return {"cpu_seconds": limits["CPU"] or None, "wall_seconds": limits["REALTIME"] or FOREVER,
            "processes": limits["NPROC"] or ANY_NUMBER, "memory_bytes": max(MEMORY, memory) + room,
            "disk_bytes": disk, "file_bytes": disk}


def own(limits: typing.Mapping[str, typing.Any]) -> typing.List[typing.Tuple[str, int]]:
    """The limits of a process that are lowered in the jail, when the files are there. Lowered, they stay so."""
    lowered = [("RLIMIT_FSIZE", int(limits["FSIZE"] or 0))]
    if limits["VMEM"]:
        lowered.append(("RLIMIT_AS", int(limits["VMEM"])))
    return lowered


@functools.lru_cache(64)
def both(limits: typing.Tuple[typing.Tuple[str, typing.Any], ...], brought: int):
    """own and walls, of the same few limits again and again: pairs of names and values."""
    named = dict(limits)
    return own(named), walls(named, brought)


def __getattr__(name: str):
    """LIMITS, set_limit and their like, which older programs look for here."""
    from . import jail_code
    if name in ("LIMITS", "LIMIT_OVERRIDES", "DEFAULT_LIMITS", "set_limit", "override_limit", "get_effective_limits"):
        return getattr(jail_code, name)
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
