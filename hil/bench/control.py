"""All hands at once, by the control socket of a simulated lock."""

from pathlib import Path
from typing import Any

from firmware_sim.control import call
from firmware_sim.errors import ControlError

from ..errors import BenchFault
from ..hands import Entry, FaultTable, Hand


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
