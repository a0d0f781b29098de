"""The `monitor` command: what is asked of a lock and what it answers, as it happens."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from bridge.tracing import TraceEvent

from .context import service
from .interrupts import interrupted, unless


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Whatever happens from now on is shown."""

    watching: str

    def __str__(self) -> str:
        return f"Watching {self.watching}: each request and each answer follows. Ctrl-C ends it."


async def monitor(lock: str, /, *, show_pins: bool = False) -> AsyncIterator[Watching | TraceEvent]:
    """Show what any process of this bridge asks of LOCK, and what it answers, until it is interrupted.

    The lock itself is not asked anything for it. A file of the same is written by `--trace FILE` before or behind any
    command.

    Parameters
    ----------
    lock
        The lock's name or number.
    show_pins
        Show the digits of pins, which are hidden otherwise.
    """
    async with service("monitor") as bridge:
        record = await bridge.find_lock(lock)
        stopped = interrupted()
        async with aclosing(bridge.monitor(record, show_pins=show_pins)) as events:
            while (event := await unless(stopped, anext(events))) is not None:
                yield TraceEvent(**json.loads(event)) if event else Watching(watching=record.name)
