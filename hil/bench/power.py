"""A lock's power, verified: off is when the lock does not answer any more, on is when it answers a hello."""

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from ..errors import BenchFault
from .switches import Switch

SETTLE = 10.0
"""Seconds that a lock may take until it is gone, or is back."""
_PAUSE = 0.05


class PowerCheck(Protocol):
    """Looks whether the lock answers a hello now, within a bounded time."""

    @property
    def reason(self) -> str:
        """Why the last look has seen nobody, as a sentence."""

    async def __call__(self) -> bool:
        """Look."""


class PowerNotCut(BenchFault):
    """The switch has said that it cut, and the lock answers on."""


class PowerNotBack(BenchFault):
    """The switch has said that there is power, and the lock does not answer."""


class PowerState(StrEnum):
    """Whether the lock answers."""

    ON = "on"
    OFF = "off"


class Power:
    """The power of one lock; `check` looks whether the lock is there, `settle` bounds how long that may take."""

    def __init__(self, switch: Switch, check: PowerCheck, *, settle: float) -> None:
        self._switch = switch
        self._check = check
        self._settle = settle

    async def state(self) -> PowerState:
        """Return how it is: what the switch says does not matter."""
        return PowerState.ON if await self._check() else PowerState.OFF

    async def off(self) -> None:
        """Take the power away; raise PowerNotCut where the lock answers on. Whatever fails, power is on again then."""
        try:
            await self._switch.off()
            if not await self._becomes(PowerState.OFF):
                raise PowerNotCut(
                    f"The power was switched off, and {self._settle:g} s later the lock still answers. Probably "
                    f"{self._switch.cause}. Unplug the lock by hand to see what feeds it."
                )
        except BaseException:
            with suppress(BenchFault):
                await self._switch.on()
            raise

    async def on(self) -> None:
        """Give the power back and wait until the lock answers; raise PowerNotBack where it does not."""
        await self._switch.on()
        if not await self._becomes(PowerState.ON):
            raise PowerNotBack(
                f"The power was switched on, and {self._settle:g} s later the lock does not answer. Is it the right "
                f"outlet, and does the lock start by itself? `settle` gives it longer. {self._check.reason}"
            )

    async def cycle(self) -> None:
        """Take the power away and give it back."""
        await self.off()
        await self.on()

    async def _becomes(self, wanted: PowerState) -> bool:
        """Return whether it is so, now or within the time that the lock may take; there is one look at least."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settle
        while await self.state() is not wanted:
            if loop.time() >= end:
                return False
            await asyncio.sleep(_PAUSE)
        return True
