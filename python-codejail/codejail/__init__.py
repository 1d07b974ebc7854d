"""The interface of CodeJail 4.1.1, with Belljar's jails behind it.

    from codejail.jail_code import configure, set_limit
    from codejail.safe_exec import safe_exec

    configure("python", "/usr/bin/python3")
    variables = {"x": 1}
    safe_exec("y = x + 1", variables)

Its own file because it names the package, and imports nothing: each module is imported by its own name, as with CodeJail.
Changes when: the interface of another version is offered.
"""

__version__ = "4.1.1"
