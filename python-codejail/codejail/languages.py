"""What a configured program runs.

Its own file because programs that use CodeJail 1.1 import it.
Changes when: another language is to be told apart.
"""

import typing


class Language(typing.NamedTuple):
    """argv: arguments of the program that come first. safe_exec_template: None where there is no safe_exec, else anything."""

    name: str
    argv: typing.List[str]
    safe_exec_template: typing.Optional[str] = None


python3 = Language("python3", ["-E", "-B"], "python")
python2 = python3._replace(name="python2")  # as it was written in settings; code is run by the Python that is there, which is 3
other = Language("other", [])
