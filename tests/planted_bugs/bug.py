"""One bug that somebody might write, and the tests that must see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """What somebody might write: `good` becomes `bad` in `file`, and one of `tests` must fail."""

    name: str
    file: str
    good: str
    bad: str
    tests: tuple[str, ...]


SIMULATION = ("tests/simulation/test_simulation.py",)
