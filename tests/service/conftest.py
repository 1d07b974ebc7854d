"""A service for each module of tests, and what must not be left behind.

Its own file because pytest reads it first.
Changes when: the service is started in another way.
"""
import os
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests", "support")]

import leaks  # noqa: E402  pylint: disable=wrong-import-position
import service as services  # noqa: E402  pylint: disable=wrong-import-position


def pytest_collection_modifyitems(items):
    if not os.path.exists(services.FRONT):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="host lacks libmicrohttpd-dev or nettle-dev: belljard was not built"))


@pytest.fixture(scope="module")
def service():
    """One with few limits, for tests that only ask."""
    before = leaks.Picture()
    with services.Service() as one:
        yield one
    left = leaks.left_behind(before)
    assert not left, "left behind on the host: %s" % left


def settled():
    """The host when a service of the module's makes no jail any more in the place of one that was used."""
    before = leaks.Picture()
    while True:
        time.sleep(0.05)
        now = leaks.Picture()
        if not now.new(before):
            return now
        before = now


@pytest.fixture
def start():
    """start(key=value, ...): one with a configuration of the test's own."""
    before = settled()
    started = []

    def start_one(**config):
        started.append(services.Service(**config).start())
        return started[-1]

    yield start_one
    for one in started:
        one.stop()
    left = leaks.left_behind(before)
    assert not left, "left behind on the host: %s" % left
