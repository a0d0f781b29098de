"""The `pin` commands. Digits are read from standard input or a prompt, never from an argument that others can see."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from bridge.errors import UsageError
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord
from bridge.zones import UNKNOWN_HERE, find_zone
from protocol.vocabulary import PinEntry, PinSummary, Schedule

from .asking import ask
from .context import service
from .times import describe_window, parse_moment, parse_windows

app = App(name="pin", help="The pins of a lock.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A pin that the lock has acknowledged."""

    id: int

    def __str__(self) -> str:
        return f"The lock holds the pin as {self.id}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PinView:
    """One pin without its digits; times are in the lock's zone."""

    id: int
    alias: str
    enabled: bool
    valid_from: str | None
    valid_until: str | None
    windows: str


@app.command
async def add(
    lock: str,
    /,
    *,
    alias: str,
    pin_stdin: bool = False,
    valid_from: Annotated[str | None, Parameter(name="--from")] = None,
    valid_until: Annotated[str | None, Parameter(name="--until")] = None,
    days: str | None = None,
    hours: Annotated[list[str] | None, Parameter(negative="")] = None,
) -> Created:
    """Store a pin at LOCK, a name or a number. You are asked for the digits.

    Parameters
    ----------
    lock
        The lock's name or number.
    alias
        What to call the pin, 1 to 32 bytes.
    pin_stdin
        Read the digits from standard input.
    valid_from
        When the pin begins to open: 2026-11-23, 2026-11-23T08:00, in the lock's zone unless an offset follows.
    valid_until
        When it ends: the first moment at which it opens no more.
    days
        On which weekdays it opens: mon-fri, or sat,sun.
    hours
        At which hours it opens, repeatable: 08:00-16:00, or 22:00-06:00 across midnight.
    """
    digits = await asyncio.to_thread(_read_digits, from_stdin=pin_stdin)
    async with service("pin add") as bridge:
        record = await bridge.find_lock(lock)
        zone = _zone(record)
        schedule = Schedule(
            valid_from=parse_moment(valid_from, zone),
            valid_until=parse_moment(valid_until, zone),
            windows=parse_windows(days, hours or []),
        )
        entry = PinEntry(digits=digits, alias=alias, schedule=schedule)
        return Created(id=await bridge.create_pin(record, entry, COMMAND_LINE))


@app.command(name="list")
async def list_pins(lock: str, /) -> tuple[PinView, ...]:
    """List the pins of LOCK, without their digits.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    async with service("pin list") as bridge:
        record = await bridge.find_lock(lock)
        zone = _zone(record)
        listed = await bridge.list_pins(record)
    return tuple(_view(pin, zone) for pin in listed.pins)


def _zone(record: LockRecord) -> ZoneInfo:
    zone = find_zone(record.zone)
    if zone is None:
        raise UsageError(UNKNOWN_HERE)
    return zone


def _view(pin: PinSummary, zone: ZoneInfo) -> PinView:
    schedule = pin.schedule
    return PinView(
        id=pin.id,
        alias=pin.alias,
        enabled=pin.enabled,
        valid_from=_moment(schedule.valid_from, zone),
        valid_until=_moment(schedule.valid_until, zone),
        windows="; ".join(map(describe_window, schedule.windows)) or "always",
    )


def _moment(epoch: int, zone: ZoneInfo) -> str | None:
    return datetime.fromtimestamp(epoch, UTC).astimezone(zone).isoformat() if epoch else None


def _read_digits(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to type the pin. Give --pin-stdin and write it to standard input.")
    return ask("Pin: ")
