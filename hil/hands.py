"""The hands at a lock: keypad, button, power, clock. A suite uses those that a target has, and says which it wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

FaultTable = Mapping[str, str | float]
"""One fault, such as {"link": "drop", "probability": 0.5}."""


class Hand(StrEnum):
    """What somebody, or something, can do at a lock."""

    KEYPAD = "keypad"
    BUTTON = "button"
    POWER = "power"
    CLOCK = "clock"
    BATTERY = "battery"
    BOLT = "bolt"  # can be blocked
    FAULTS = "faults"  # of a simulated lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a keypad answered: `denial` is the SPEC's name for it in small letters (8.2), None where it was granted."""

    granted: bool
    denial: str | None = None
    pin_id: int | None = None


class Hands(Protocol):
    """The hands of one target; each raises BenchFault where it cannot do what it has said that it can."""

    able: frozenset[Hand]

    async def enter(self, digits: str) -> Entry:
        """Type a pin at the keypad."""
        ...

    async def hold_button(self, seconds: float) -> None:
        """Hold the button inside the door."""
        ...

    async def power_cycle(self) -> None:
        """Take the lock's power away and give it back."""
        ...

    async def advance(self, seconds: int) -> None:
        """Let time pass, for the lock's clock and for its timers."""
        ...

    async def show(self, epoch: int | None) -> None:
        """Let the lock's clock show a time, or, None, lose it; nothing else at the lock notices."""
        ...

    async def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        ...

    async def set_battery(self, percent: int) -> None:
        """Let the battery have so many percent."""
        ...

    async def strike(self, *plan: FaultTable) -> None:
        """Let faults strike, each a table as in a file for `latchwire sim run --faults`; `at` counts from now."""
        ...

    async def mend(self) -> None:
        """Let nothing more fail, and mend what can be mended."""
        ...
