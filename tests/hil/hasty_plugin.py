"""A pytest plugin for tests at a lock that takes hellos as they come: `-p tests.hil.hasty_plugin`."""

import pytest

from hil.line import Pace

_PATCH = pytest.StashKey[pytest.MonkeyPatch]()


def pytest_configure(config: pytest.Config) -> None:
    """Wait for nothing."""
    config.stash[_PATCH] = pytest.MonkeyPatch()
    config.stash[_PATCH].setattr(Pace, "SECONDS", 0.0)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Wait again."""
    config.stash[_PATCH].undo()
