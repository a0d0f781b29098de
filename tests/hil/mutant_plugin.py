"""A pytest plugin that lets every simulated lock be a mutant: `-p tests.hil.mutant_plugin --lock-mutant NAME`."""

import pytest

from tests.hil.mutants import MUTANTS

_PATCH = pytest.StashKey[pytest.MonkeyPatch]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of the mutant."""
    parser.addoption("--lock-mutant", choices=sorted(MUTANTS))
    parser.addoption("--lock-req", metavar="LW-nnn", help="run the tests of this requirement alone")


def pytest_configure(config: pytest.Config) -> None:
    """Plant it, for as long as the session lasts."""
    config.stash[_PATCH] = pytest.MonkeyPatch()
    if name := config.option.lock_mutant:
        MUTANTS[name].plant(config.stash[_PATCH])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take it back."""
    config.stash[_PATCH].undo()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of one requirement, where one is named."""
    if wanted := config.option.lock_req:
        items[:] = [item for item in items if any(wanted in mark.args for mark in item.iter_markers("req"))]
