"""The `clock` commands: what a lock's clock shows, and setting it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cyclopts import App

from bridge.clocks import ClockReading
from bridge.zones import find_zone

from .context import service

app = App(name="clock", help="The clock and the zone of a lock.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockView:
    """A clock; `time` is in its zone where this host knows that, `skew` is how many seconds it is ahead."""

    time: str
    skew: int
    zone: str
    trusted: bool

    def __str__(self) -> str:
        trust = "" if self.trusted else " It does not trust its time, so pins with a schedule do not open."
        return f"The lock's clock shows {self.time} in {self.zone}, {describe_skew(self.skew)}.{trust}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """A clock that was set; `skew` and `trusted` are what it was before, `list_version` is the lock's now."""

    zone: str
    skew: int
    trusted: bool
    list_version: int | None

    def __str__(self) -> str:
        was = describe_skew(self.skew) if self.trusted else "not trusted"
        return f"The lock's clock was {was}. It has this host's time now, in {self.zone}."


@app.command
async def get(lock: str, /) -> ClockView:
    """Show the clock of LOCK as it is, without correcting it.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    async with service("clock get", corrects_clocks=False) as bridge:
        reading = await bridge.clock(await bridge.find_lock(lock))
    return ClockView(time=in_zone(reading), skew=reading.skew, zone=reading.zone, trusted=reading.trusted)


@app.command(name="set")
async def set_clock(lock: str, /, *, zone: str | None = None, force: bool = False) -> SetView:
    """Set the clock of LOCK to this host's time.

    Parameters
    ----------
    lock
        The lock's name or number.
    zone
        The IANA zone in which its windows are meant from now on, such as Europe/Warsaw; its own where it is left out.
    force
        Set it back even by more than five minutes.
    """
    async with service("clock set", corrects_clocks=False) as bridge:
        done = await bridge.set_clock(await bridge.find_lock(lock), zone=zone, force=force)
    return SetView(
        zone=done.lock.zone,
        skew=done.before.skew,
        trusted=done.before.trusted,
        list_version=done.lock.list_version,
    )


def in_zone(reading: ClockReading) -> str:
    """Return the time that a clock shows, as ISO 8601."""
    return datetime.fromtimestamp(reading.time, UTC).astimezone(find_zone(reading.zone) or UTC).isoformat()


def describe_skew(skew: int) -> str:
    """Return how far a clock is from this host's."""
    if skew == 0:
        return "right to the second"
    return f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'} this host's"
