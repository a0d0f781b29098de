"""A checklist of what a lock's work depends on, from the port to the battery; it changes nothing at the lock.

What cannot be seen is left out: behind a port that does not open, there is no session to judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from shlex import quote
from typing import Protocol

from protocol.framing import CRC_COMPILED
from protocol.messages.device import UNKNOWN_BATTERY, InfoResponse, StatusResponse

from .clocks import STEP_BACK, ClockReading
from .errors import BridgeError, DamagedState, LockHeld, Obstacle, Unreachable
from .journal import Journal
from .records import LockRecord, PairingState
from .sessions import CLOCK_TOLERANCE
from .store.registry import Registry

BATTERY_LOW = 20
"""Percent at which a lock gives its first warning (SPEC 8.7)."""


class Level(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody should look after it
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the checklist; `sentence` says what to do where there is something, `error` is why it failed."""

    check: str
    sentence: str
    level: Level = Level.OK
    error: BridgeError | None = None


class Asking(Protocol):
    """Whoever asks a lock, and remembers what it tells; without correcting its clock, or none is ever found wrong."""

    async def info(self, lock: LockRecord) -> InfoResponse:
        """Return what the lock is."""

    async def status(self, lock: LockRecord) -> StatusResponse:
        """Return how the lock is."""

    async def clock(self, lock: LockRecord) -> ClockReading:
        """Return what the lock's clock shows."""


async def diagnose(asking: Asking, journal: Journal, registry: Registry, lock: LockRecord) -> tuple[Finding, ...]:
    """Judge the lock, its port and what the registry knows of it."""
    left_before = len(await journal.unresolved(lock.wire_id))
    findings = [_crc()]
    try:
        info, status, clock = await asking.info(lock), await asking.status(lock), await asking.clock(lock)
    except BridgeError as error:
        findings += _unreached(lock, error)
    else:
        findings += [*_reached(lock), *_judged(lock, info, status, clock)]
        await _remember(registry, lock, status.list_version)
    left = len(await journal.unresolved(lock.wire_id))
    return (*findings, _journal(left_before, left))


def _crc() -> Finding:
    if CRC_COMPILED:
        return Finding(check="crc", sentence="crcmod's C extension computes the CRC.")
    return Finding(
        check="crc",
        level=Level.WARNING,
        sentence="crcmod has no C extension here, so each CRC is slow. Install a C compiler, then crcmod again.",
    )


def _unreached(lock: LockRecord, error: BridgeError) -> Iterator[Finding]:
    obstacle = error.obstacle if isinstance(error, Unreachable) else None
    if obstacle is Obstacle.FORBIDDEN:
        if not _on_air(lock):  # whoever may not use Bluetooth cannot know what is there
            yield _port(lock)
        yield Finding(check="permission", level=Level.FAILED, sentence=str(error), error=error)
    elif obstacle is not None:
        yield Finding(check=_port(lock).check, level=Level.FAILED, sentence=str(error), error=error)
    else:
        opened = lock.state is PairingState.PAIRED and not isinstance(error, LockHeld | DamagedState)
        if opened:
            yield from _opened(lock)
        yield Finding(check="session", level=Level.FAILED, sentence=str(error), error=error)


def _reached(lock: LockRecord) -> Iterator[Finding]:
    yield from _opened(lock)
    yield Finding(check="session", sentence="The lock knows this bridge, and answers in a session.")


def _port(lock: LockRecord) -> Finding:
    if _on_air(lock):
        return Finding(check="radio", sentence=f"{lock.target} is heard, and takes a connection.")
    return Finding(check="port", sentence=f"{lock.target} is there.")


def _on_air(lock: LockRecord) -> bool:
    return lock.target.startswith("ble:")


def _opened(lock: LockRecord) -> Iterator[Finding]:
    yield _port(lock)
    if lock.target.startswith(("serial:", "ble:")):
        yield Finding(check="permission", sentence="This user may use it.")


def _judged(lock: LockRecord, info: InfoResponse, status: StatusResponse, clock: ClockReading) -> tuple[Finding, ...]:
    return (
        Finding(check="firmware", sentence=f"{info.model} {info.serial} with firmware {info.firmware_version}."),
        Finding(
            check="protocol",
            sentence=f"Version {lock.version} is spoken; the lock speaks {info.min_version} to {info.max_version}.",
        ),
        _capacity(info.capacity - status.used, info.capacity),
        _clock(lock, clock),
        _zone(lock, clock),
        _battery(status.battery),
        _bolt(status),
        _list_version(lock.list_version, status.list_version),
    )


def _capacity(free: int, total: int) -> Finding:
    if free > 0:
        return Finding(check="capacity", sentence=f"{free} of {total} slots are free.")
    return Finding(
        check="capacity",
        level=Level.WARNING,
        sentence=f"None of {total} slots is free. Remove a pin before you add another.",
    )


def _clock(lock: LockRecord, clock: ClockReading) -> Finding:
    distance = f"{abs(clock.skew)} s {'ahead of' if clock.skew > 0 else 'behind'} this host's"
    if not clock.trusted:
        trouble = f"The lock does not trust its clock ({distance}): pins with a schedule do not open."
    elif abs(clock.skew) > CLOCK_TOLERANCE:
        trouble = f"The clock is {distance}."
    else:
        return Finding(check="clock", sentence=f"The clock is right: {clock.skew} s of skew.")
    force = " --force" if clock.skew > STEP_BACK else ""
    return Finding(
        check="clock", level=Level.WARNING, sentence=f"{trouble} Run `latchwire clock set {quote(lock.name)}{force}`."
    )


def _zone(lock: LockRecord, clock: ClockReading) -> Finding:
    if clock.zone == lock.zone:
        return Finding(check="zone", sentence=f"Windows are meant in {clock.zone}.")
    return Finding(
        check="zone",
        level=Level.WARNING,
        sentence=f"Another bridge has changed the lock's zone from {lock.zone} to {clock.zone}: look at the hours of "
        f"its pins. `latchwire clock set {quote(lock.name)}` makes this bridge know it.",
    )


def _battery(level: int) -> Finding:
    if level == UNKNOWN_BATTERY:
        return Finding(check="battery", sentence="The lock does not tell its battery.")
    if level > BATTERY_LOW:
        return Finding(check="battery", sentence=f"The battery has {level} %.")
    return Finding(
        check="battery", level=Level.WARNING, sentence=f"The battery has {level} % left. Change it before it is empty."
    )


def _bolt(status: StatusResponse) -> Finding:
    if not status.jammed:
        return Finding(check="bolt", sentence=f"The bolt is {status.bolt.name.lower()}.")
    return Finding(
        check="bolt",
        level=Level.WARNING,
        sentence="The bolt could not finish its last movement. See what is in its way, then open or close it once.",
    )


def _list_version(known: int | None, told: int) -> Finding:
    if known is None or known == told:
        return Finding(check="list version", sentence=f"{told}, as this bridge knows it.")
    if (told - known) % 2**32 < 2**31:
        return Finding(check="list version", sentence=f"{told}; it was {known} when this bridge last noted it.")
    return Finding(
        check="list version",
        level=Level.WARNING,
        sentence=f"{told}, which is older than {known}, noted before: the lock was reset or its flash was replaced. "
        "Look at its pins.",
    )


def _journal(before: int, left: int) -> Finding:
    if left:
        return Finding(
            check="changes",
            level=Level.WARNING,
            sentence=f"{_changes(left)} without an outcome. The bridge asks for it as soon as the lock answers.",
        )
    settled = f"{_changes(before)} without an outcome until now; the lock has told it." if before else "None is open."
    return Finding(check="changes", sentence=settled)


def _changes(count: int) -> str:
    return "1 change was left" if count == 1 else f"{count} changes were left"


async def _remember(registry: Registry, lock: LockRecord, list_version: int) -> None:
    record = await registry.lock(lock.id)
    if record.list_version != list_version:
        await registry.save_lock(replace(record, list_version=list_version))
