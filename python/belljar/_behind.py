"""A thread that does what nobody has to wait for, one thing after the other.

Its own file because a future for each thing, which concurrent.futures makes, costs the caller more than many of the things take.
Changes when: things are to be done behind a caller in another way.
"""

import contextlib
import queue
import threading

LEISURE_SECONDS = 0.002  # without anything to be done


class Behind:
    """Begins with the first thing to be done. A daemon: it keeps no program from its end; close() waits for it.

    at_leisure: called when all is done and nothing more comes for a moment, and again as long as it says that there is more of it.
    """

    def __init__(self, name, at_leisure):
        self._name, self._things, self._thread, self._lock = name, queue.SimpleQueue(), None, threading.Lock()
        self._at_leisure = at_leisure

    def do(self, function, *arguments) -> None:
        """Soon. Nobody is told what it raises: it has to be of no consequence to the caller."""
        if self._thread is None:
            self._begin()
        self._things.put((function, arguments))

    def _begin(self):
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def _work(self):
        more = False
        while True:
            try:
                function, arguments = self._things.get(timeout=LEISURE_SECONDS if more else None)
            except queue.Empty:
                function, arguments = self._at_leisure, ()
            if function is None:
                return
            more = True
            with contextlib.suppress(Exception):
                more = function(*arguments) is not False
            del function, arguments

    def close(self) -> None:
        """When all that was asked for is done."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread:
            self._things.put((None, ()))
            thread.join()
