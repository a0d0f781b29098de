"""The `info` and `state` commands: what a lock is, and how it is now."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from bridge.errors import LockHeld, Unreachable
from bridge.records import LockRecord
from bridge.zones import find_zone
from protocol.messages.device import UNKNOWN_BATTERY, StatusResponse
from protocol.vocabulary import Capability, ClockState

from .context import service
from .interrupts import interrupted, unless

if TYPE_CHECKING:
    from bridge.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoView:
    """What a lock says that it is; `protocol` is the range of versions that it speaks."""

    id: int
    name: str
    target: str
    lock: str
    model: str
    serial: str
    firmware: str
    protocol: str
    capacity: int
    max_frame: int
    capabilities: list[str]

    def __str__(self) -> str:
        return (
            f"{self.id} {self.name} at {self.target}: {self.model}, serial number {self.serial}, lock {self.lock}\n"
            f"firmware {self.firmware}, protocol {self.protocol}, {self.capacity} slots, frames of {self.max_frame} B\n"
            f"capabilities: {', '.join(self.capabilities)}"
        )


async def info(lock: str, /) -> InfoView:
    """Show what LOCK is.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    async with service("info") as bridge:
        record = await bridge.find_lock(lock)
        told = await bridge.info(record)
    lowest, highest = told.min_version, told.max_version
    return InfoView(
        id=record.id,
        name=record.name,
        target=record.target,
        lock=f"{told.lock_id:08X}",
        model=told.model,
        serial=told.serial,
        firmware=told.firmware_version,
        protocol=str(lowest) if lowest == highest else f"{lowest} to {highest}",
        capacity=told.capacity,
        max_frame=told.max_frame,
        capabilities=[flag.name.lower() for flag in Capability if flag in told.capabilities and flag.name],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """How a lock is; all of it is unknown where `trouble` says why it cannot be asked. `skew` is in seconds."""

    bolt: str | None = None
    jammed: bool | None = None
    door: str | None = None
    battery: int | None = None
    clock_trusted: bool | None = None
    time: str | None = None
    skew: int | None = None
    used: int | None = None
    list_version: int | None = None
    trouble: str | None = None

    def __str__(self) -> str:
        if self.trouble is not None:
            return self.trouble
        battery = "unknown" if self.battery is None else f"{self.battery} %"
        return (
            f"bolt {self.bolt}{', jammed' if self.jammed else ''}, door {self.door}, battery {battery}, "
            f"{self.used} pins (list version {self.list_version}), "
            f"clock {self.time}{'' if self.clock_trusted else ', not trusted'} ({self.skew:+} s)"
        )

    def same(self, other: "StateView | None") -> bool:
        """Whether nothing has changed between the two but the time."""
        return other is not None and replace(self, time=None, skew=None) == replace(other, time=None, skew=None)


async def state(
    lock: str,
    /,
    *,
    watch: bool = False,
    interval: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=3600))] = 10,
) -> AsyncIterator[StateView]:
    """Show how LOCK is now.

    Parameters
    ----------
    lock
        The lock's name or number.
    watch
        Go on, and show each change, until Ctrl-C. Between two looks the lock is free for others.
    interval
        With --watch: after how many seconds to look again.
    """
    async with service("state", corrects_clocks=False) as bridge:
        record = await bridge.find_lock(lock)
        if not watch:
            yield _view(record, await bridge.status(record))
            return
        async for seen in watch_lock(bridge, record.id, interval):
            yield seen


async def watch_lock(bridge: "Service", lock_id: int, interval: int) -> AsyncIterator[StateView]:
    """Look at a lock every `interval` seconds until Ctrl-C, and yield each state that differs from the last."""
    stopped, shown = interrupted(), None
    while not stopped.is_set():
        seen = await unless(stopped, _look(bridge, lock_id, tolerant=shown is not None))
        if seen is not None and not seen.same(shown):
            shown = seen
            yield seen
        await unless(stopped, asyncio.sleep(interval))


async def _look(bridge: "Service", lock_id: int, *, tolerant: bool) -> StateView:
    """Ask once and let go; a watch that has begun outlives a lock that is out of reach for a while."""
    record = await bridge.lock(lock_id)
    try:
        return _view(record, await bridge.status(record))
    except (Unreachable, LockHeld) as error:
        if not tolerant:
            raise
        return StateView(trouble=str(error))
    finally:
        await bridge.let_go(record)


def _view(record: LockRecord, status: StatusResponse) -> StateView:
    now = datetime.now(UTC)
    moment = datetime.fromtimestamp(status.time, UTC)
    return StateView(
        bolt=status.bolt.name.lower(),
        jammed=status.jammed,
        door=status.door.name.lower(),
        battery=None if status.battery == UNKNOWN_BATTERY else status.battery,
        clock_trusted=status.clock is ClockState.TRUSTED,
        time=moment.astimezone(find_zone(record.zone) or UTC).isoformat(),
        skew=status.time - int(now.timestamp()),
        used=status.used,
        list_version=status.list_version,
    )
