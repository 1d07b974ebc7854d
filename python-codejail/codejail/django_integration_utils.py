"""Django's settings, put into jail_code.

Its own file because it needs no Django.
Changes when: CODE_JAIL can say something more.
"""

import typing

from . import jail_code


def apply_django_settings(code_jail_settings: typing.Mapping[str, typing.Any]) -> None:
    """Of CODE_JAIL: python_bin and user, or jails; limits; limit_overrides."""
    python = code_jail_settings.get("python_bin")
    if python:
        jail_code.configure("python", python, user=code_jail_settings["user"])
    for told in code_jail_settings.get("jails", ()):
        jail_code.configure(**told)
    for name, value in code_jail_settings.get("limits", {}).items():
        jail_code.set_limit(name, value)
    for context, overrides in code_jail_settings.get("limit_overrides", {}).items():
        for name, value in overrides.items():
            jail_code.override_limit(name, value, context)
