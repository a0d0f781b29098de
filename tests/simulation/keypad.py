"""The keypad's lock-out as SPEC 8.4 has it, counted beside the lock: neither bridges nor power cuts make it forget."""

from firmware_sim.simulator import Snapshot
from protocol.vocabulary import Denial
from tests.simulation.model import Violation

WRONG_ENTRIES = 5
SHORTEST = 60
"""Seconds that a lock-out lasts at least."""


class KeypadCount:
    """What the lock may have counted: wrong entries in a row, and until when it is locked out at least.

    There are two such states after an entry over which power was lost, until one of them is seen.
    """

    def __init__(self) -> None:
        self._may_be: set[tuple[int, float]] = {(0, 0.0)}

    def entered(self, denial: Denial | None, now: float) -> None:
        """Count an entry that the lock has looked at."""
        self._may_be = {_after(state, denial, now) for state in self._may_be}

    def cut(self, *, known: bool, now: float) -> None:
        """Power was lost over an entry: of digits that a pin had, which may have been granted, or that none had."""
        denials = (None, Denial.OUTSIDE_WINDOW) if known else (Denial.UNKNOWN,)
        after = {_after(state, denial, now) for state in self._may_be for denial in denials}
        self._may_be |= after

    def see(self, seen: Snapshot, now: float) -> None:
        """Compare with what the lock shows, and know from then on which state it is in."""
        fitting = {
            (wrong, until)
            for wrong, until in self._may_be
            if wrong == seen.wrong_entries and (seen.locked_out or now >= until)
        }
        if not fitting or (seen.locked_out and all(until == 0 for _, until in fitting)):
            raise Violation("the keypad has forgotten wrong entries, or counted what was none")
        self._may_be = fitting


def _after(state: tuple[int, float], denial: Denial | None, now: float) -> tuple[int, float]:
    wrong, until = state
    if denial is None:
        return 0, 0.0
    if denial is not Denial.UNKNOWN:
        return state
    return (wrong + 1, until) if wrong + 1 < WRONG_ENTRIES else (0, now + SHORTEST)
