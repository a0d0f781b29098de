"""Fixtures of the tests that join bridge and lock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.together.desk import Scenario, at_a_desk
from tests.together.processes import Place, place


@pytest.fixture(scope="session", autouse=True)
def processes_that_start_fast() -> None:
    """Let what others are forked from be there before the first test, which may count what is open."""
    forked.prepare()


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A fresh folder for real processes, with the way that EVERY_WAY asks for."""
    with place(way=getattr(request, "param", "pty")) as made:
        yield made


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test at a new desk, in virtual time."""
    return lambda test: at_a_desk(test, tmp_path / "state", monkeypatch)
