"""Brokers for tests.

Its own file because pytest reads it first.
Changes when: the broker is started in another way.
"""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

import wire  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def start():
    with wire.brokers() as one:
        yield one


@pytest.fixture
def broker(start):
    return start()


@pytest.fixture
def front(broker):
    return broker.front()
