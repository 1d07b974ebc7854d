"""The helper process of proxy.py: python -m codejail.proxy_main LEVEL

Its own file because it is a program.
Changes when: proxy.py does.
"""

import os
import pickle
import sys

from . import _engine
from .exceptions import JailError


def main() -> None:
    """Runs one job after another, until there are no more."""
    with os.fdopen(os.dup(0), "rb") as jobs, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what is printed by mistake is no answer
        while True:
            try:
                job = _engine.Job(*pickle.load(jobs))
            except EOFError:
                return
            try:
                answer = (True, tuple(_engine.run(job)))
            except JailError as error:
                answer = (False, str(error))
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    sys.exit(main())
