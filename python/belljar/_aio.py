"""Waiting for a run in an event loop.

Its own file because nothing else knows of asyncio.
Changes when: a run is waited for in another way.
"""

import asyncio

from ._errors import translated
from ._result import from_core


async def result_of(run, calls=None):
    """The result of a run that was started, and its calls answered meanwhile. The run is then the caller's to close, whatever comes."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    fd = run.fd()
    loop.add_reader(fd, ready.set)
    if calls:
        calls.wake_by(ready.set)
    try:
        with translated():
            while not run.step():
                ready.clear()
                if calls and calls.failure:
                    raise calls.failure
                await ready.wait()
            return from_core(run.result())
    finally:
        loop.remove_reader(fd)
        if calls:
            calls.close()


async def finished(run, calls=None):
    """The same, and the run is closed. Cancelled, it ends the run."""
    try:
        return await result_of(run, calls)
    finally:
        run.close()
