"""A lock's clock, read and set. It goes back by more than five minutes by force alone (SPEC 7.5)."""

from dataclasses import dataclass, replace

from protocol.vocabulary import ClockState, Rule

from .client import LockClient
from .engine import Engine
from .errors import Refused
from .journal import COMMAND_LINE
from .records import LockRecord
from .store.registry import Registry
from .zones import posix_rule

STEP_BACK = 300
"""Seconds by which a clock goes back without force (SPEC 7.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What a clock shows: epoch seconds UTC, and an IANA zone. `skew` is how many seconds it is ahead of this host."""

    trusted: bool
    time: int
    zone: str
    skew: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSetting:
    """A clock that was set: what it showed before, and the lock as the registry knows it from now on."""

    before: ClockReading
    lock: LockRecord


async def read_clock(engine: Engine, lock: LockRecord) -> ClockReading:
    """Ask a lock what its clock shows."""
    told = await engine.read(lock, LockClient.get_clock)
    skew = told.time - int(engine.now())
    return ClockReading(trusted=told.state is ClockState.TRUSTED, time=told.time, zone=told.zone, skew=skew)


async def set_clock(
    engine: Engine, registry: Registry, lock: LockRecord, *, zone: str | None, force: bool
) -> ClockSetting:
    """Set a lock's clock to this host's time; without a zone the lock keeps the one that it has.

    Raises UsageError for a zone that has no rule, before the lock is asked where it was given, and Refused for a step
    back that needs force.
    """
    if zone is not None:
        posix_rule(zone)
    before = await read_clock(engine, lock)
    wanted = zone or before.zone
    try:
        answer = await engine.change(lock, COMMAND_LINE, LockClient.set_clock, wanted, force=force)
    except Refused as refusal:
        if refusal.rule is not Rule.CLOCK_STEP_BACK:
            raise
        raise Refused(refusal.status, refusal.rule, _needs_force(before)) from None
    saved = replace(await registry.lock(lock.id), zone=wanted, list_version=answer.list_version)
    await registry.save_lock(saved)
    return ClockSetting(before=before, lock=saved)


def _needs_force(before: ClockReading) -> str:
    ahead = f"is {before.skew} s ahead of this host's" if before.trusted else "has shown a later time before"
    return (
        f"The lock's clock {ahead}, and goes back by more than 5 minutes only by force: hours that have passed would "
        "open again. See that this host's clock is right, then add --force."
    )
