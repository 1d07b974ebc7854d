"""python -m sandbox: an interactive Python whose statements run in a jail, one after the other.

Its own file because it is a program, and everything else is for programs.
Changes when: the prompt understands something more.
"""

import code
import optparse
import sys

import belljar

from . import SandboxConfig
from .version import PACKAGE, VERSION


class Console(code.InteractiveConsole):
    """Reads statements here, and has a session run them. What the session says of a statement is shown."""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.over = False

    def runsource(self, source, filename="<input>", symbol="single"):
        try:
            complete = self.compile(source, filename, symbol) is not None
        except (OverflowError, SyntaxError, ValueError):
            self.showsyntaxerror(filename)
            return False
        if complete and source.strip():
            self.tell(self.session.execute(source, display=True))
        return not complete

    def tell(self, result):
        sys.stdout.write(result.text)
        sys.stdout.flush()
        if result.exception and result.exception.type == "SystemExit":
            raise EOFError
        if result.exception:
            self.write(result.exception.traceback)
        elif not result.ok:
            self.write(result.summary() + "\n")

    def raw_input(self, prompt=""):
        if self.over:
            raise EOFError
        return super().raw_input(prompt)

    def push(self, line, *rest, **options):
        try:
            return super().push(line, *rest, **options)
        except EOFError:
            self.over = True
            self.resetbuffer()
            return False


def main():
    parser = optparse.OptionParser(usage="%prog [options]", prog="python -m sandbox", version="%s %s" % (PACKAGE, VERSION))
    SandboxConfig.createOptparseOptions(parser, default_timeout=None)
    parser.add_option("--quiet", "-q", help="say nothing but what the statements do", action="store_true")
    options, words = parser.parse_args()
    if words:
        parser.error("it takes no arguments")
    config = SandboxConfig.fromOptparseOptions(options)
    for feature in ("traceback", "stdin", "stdout", "stderr", "exit", "site", "encodings"):
        config.enable(feature)
    sys.ps1, sys.ps2 = "sandbox>>> ", ".......... "
    banner = "" if options.quiet else "%s %s\nEnabled features: %s\n" % (PACKAGE, VERSION, ", ".join(sorted(config.features)))
    with belljar.Session(policy=config.policy(), **config.jail()) as session:
        Console(session).interact(banner=banner, exitmsg="")


if __name__ == "__main__":
    main()
