"""Fixtures of the tests that join bridge and lock."""

from collections.abc import Iterator

import pytest

from tests.together.processes import Place, place


@pytest.fixture
def bench() -> Iterator[Place]:
    """A fresh folder for real processes."""
    with place() as made:
        yield made
