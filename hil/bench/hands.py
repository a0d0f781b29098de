"""The hands at a lock: keypad, button, power, clock. A suite uses those that a target has, and says which it wants."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from firmware_sim.control import call
from firmware_sim.errors import ControlError

from ..errors import BenchFault

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


class ControlSocket:
    """All hands at once, by the control socket of a simulated lock."""

    able = frozenset(Hand)

    def __init__(self, path: Path) -> None:
        self._path = path

    async def enter(self, digits: str) -> Entry:
        """Type a pin at the keypad."""
        told = await self._do("enter", digits=digits)
        return Entry(granted=told["granted"], denial=told["denial"], pin_id=told["pin_id"])

    async def hold_button(self, seconds: float) -> None:
        """Hold the button inside the door."""
        await self._do("hold-button", seconds=seconds)

    async def power_cycle(self) -> None:
        """Take the battery out and put it back."""
        await self._do("power-cycle")

    async def advance(self, seconds: int) -> None:
        """Let time pass at once."""
        await self._do("clock", advance=seconds)

    async def show(self, epoch: int | None) -> None:
        """Move the clock's hands, or take its cell out."""
        await self._do("clock", **({"lose": True} if epoch is None else {"set": epoch}))

    async def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        await self._do("door", blocked=blocked)

    async def set_battery(self, percent: int) -> None:
        """Let the battery have so many percent."""
        await self._do("battery", set=percent)

    async def strike(self, *plan: FaultTable) -> None:
        """Let faults strike a lock that was started with some."""
        await self._do("faults", plan=list(plan))

    async def mend(self) -> None:
        """Let nothing more fail, and mend what can be mended."""
        await self._do("faults", end=True)

    async def _do(self, what: str, **how: Any) -> dict[str, Any]:
        try:
            return await call(self._path, {"do": what, **how})
        except ControlError as error:
            raise BenchFault(f"The hand at the simulated lock failed: {error}") from None
