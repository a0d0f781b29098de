"""A link whose next frames meet the fates that a plan holds, whichever link they travel on."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bridge.errors import LinkLost
from bridge.links import Link
from tests.together.links import Whole

LATE = 0.4
"""Seconds that a late frame takes; a bridge has sent it again by then."""


class Fate(Enum):
    """What becomes of one frame."""

    CARRIED = auto()
    LOST = auto()
    TWICE = auto()
    CUT = auto()  # it is lost, and so is the link
    POWER = auto()  # it is lost, and so is the lock's power
    LATE = auto()


@dataclass(slots=True, kw_only=True)
class Plan:
    """The fates of the next frames in each direction; those behind them are carried."""

    lose_power: Callable[[], None]
    outgoing: deque[Fate] = field(default_factory=deque)
    incoming: deque[Fate] = field(default_factory=deque)

    @property
    def left(self) -> int:
        """How many fates are still to be met."""
        return len(self.outgoing) + len(self.incoming)


class Planned(Whole):
    """Does to each frame what the plan says."""

    def __init__(self, link: Link, plan: Plan) -> None:
        super().__init__(link)
        self._plan = plan
        self._tasks: set[asyncio.Task[None]] = set()

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return self._met(frame, self._plan.outgoing)

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return self._met(frame, self._plan.incoming)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()

    def _met(self, frame: bytes, fates: deque[Fate]) -> Sequence[bytes]:
        match fates.popleft() if fates else Fate.CARRIED:
            case Fate.CARRIED:
                return [frame]
            case Fate.TWICE:
                return [frame, frame]
            case Fate.CUT:
                self._start(self._link.close())
            case Fate.POWER:
                self._plan.lose_power()
            case Fate.LATE:
                self._start(self._write_late(frame))
        return []

    def _start(self, act: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(act))

    async def _write_late(self, frame: bytes) -> None:
        await asyncio.sleep(LATE)
        with suppress(LinkLost):
            await self._link.write(frame)
