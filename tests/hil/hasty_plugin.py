"""A pytest plugin for tests at a lock that takes hellos as they come: `-p tests.hil.hasty_plugin`."""

import pytest

from hil.line import Pace


def pytest_configure(config: pytest.Config) -> None:
    """Wait for nothing until the run ends."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(Pace, "SECONDS", 0.0)
