"""The `pin` commands for one pin. Digits are read from standard input or a prompt, never from an argument."""

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from bridge.errors import Refused, UsageError
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord
from protocol.vocabulary import LARGEST_PIN_ID, PinEntry, PinSummary, Schedule, Status, Window

from . import pin_lists
from .asking import ask, confirm
from .context import service
from .pin_views import PinDetail, PinView, detail, view, zone_of
from .progress import progress
from .times import ALWAYS, parse_moment, parse_window_list, parse_windows

if TYPE_CHECKING:
    from bridge.service import Service

app = App(name="pin", help="The pins of a lock.")
app.command(pin_lists.export)
app.command(pin_lists.import_, name="import")
app.command(pin_lists.verify)
app.command(pin_lists.apply)

NONE = "none"

From = Annotated[str | None, Parameter(name="--from")]
Until = Annotated[str | None, Parameter(name="--until")]
Windows = Annotated[list[str] | None, Parameter(name="--window")]
Enable = Parameter(name="--enable", negative="--disable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A pin that the lock has acknowledged."""

    id: int

    def __str__(self) -> str:
        return f"The lock holds the pin as {self.id}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A pin whose new entry the lock has acknowledged."""

    id: int

    def __str__(self) -> str:
        return f"The lock holds the pin {self.id} as you gave it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A pin that never opens again."""

    id: int

    def __str__(self) -> str:
        return f"The pin {self.id} is removed and opens no more."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What an update was given; what is None stays."""

    digits: str | None = field(default=None, repr=False)
    alias: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    windows: tuple[Window, ...] | None = None
    enabled: bool | None = None

    def over(self, old: PinEntry, zone: ZoneInfo) -> PinEntry:
        """Return `old` with what was given; raise UsageError."""
        schedule = Schedule(
            valid_from=_moment(self.valid_from, zone, old.schedule.valid_from),
            valid_until=_moment(self.valid_until, zone, old.schedule.valid_until),
            windows=old.schedule.windows if self.windows is None else self.windows,
        )
        return PinEntry(
            digits=old.digits if self.digits is None else self.digits,
            alias=old.alias if self.alias is None else self.alias,
            enabled=old.enabled if self.enabled is None else self.enabled,
            schedule=schedule,
        )


@app.command
async def add(
    lock: str,
    /,
    *,
    alias: str,
    pin_stdin: bool = False,
    valid_from: From = None,
    valid_until: Until = None,
    days: str | None = None,
    hours: list[str] | None = None,
    window: Windows = None,
    enable: Annotated[bool, Enable] = True,
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
        At which hours of these days it opens, repeatable: 08:00-16:00, or 22:00-06:00 across midnight.
    window
        Days and hours in one, repeatable, beside --days and --hours: 'sat 10:00-12:00'. Four windows are the most.
    enable
        Whether the pin opens at all.
    """
    digits = _read_digits(from_stdin=pin_stdin)
    async with service("pin add") as bridge:
        record = await bridge.find_lock(lock)
        zone = zone_of(record)
        schedule = Schedule(
            valid_from=parse_moment(valid_from, zone),
            valid_until=parse_moment(valid_until, zone),
            windows=_windows(days, hours, window),
        )
        entry = PinEntry(digits=digits, alias=alias, enabled=enable, schedule=schedule)
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
        zone = zone_of(record)
        return tuple(view(pin, zone) for pin in await _listed(bridge, record))


@app.command
async def show(lock: str, pin: str, /, *, show_pins: bool = False) -> PinDetail:
    """Show one pin of LOCK.

    Parameters
    ----------
    lock
        The lock's name or number.
    pin
        The pin's number, or its alias where no other pin has it.
    show_pins
        Show the digits, too.
    """
    async with service("pin show") as bridge:
        record = await bridge.find_lock(lock)
        zone = zone_of(record)
        pin_id = await _find_pin(bridge, record, pin)
        return detail(pin_id, await bridge.get_pin(record, pin_id), zone, with_digits=show_pins)


@app.command
async def update(
    lock: str,
    pin: str,
    /,
    *,
    alias: str | None = None,
    pin_stdin: bool = False,
    valid_from: From = None,
    valid_until: Until = None,
    days: str | None = None,
    hours: list[str] | None = None,
    window: Windows = None,
    enable: Annotated[bool | None, Enable] = None,
) -> Updated:
    """Change one pin of LOCK: what you do not give stays, the digits too. The old pin works until the lock has the new.

    Parameters
    ----------
    lock
        The lock's name or number.
    pin
        The pin's number, or its alias where no other pin has it.
    alias
        What to call the pin, 1 to 32 bytes.
    pin_stdin
        Read new digits from standard input.
    valid_from
        When the pin begins to open; `none` for no beginning.
    valid_until
        When it ends; `none` for no end.
    days
        On which weekdays it opens: mon-fri, or sat,sun. Days, hours and windows take the place of all windows.
    hours
        At which hours of these days it opens, repeatable: 08:00-16:00, or 22:00-06:00 across midnight.
    window
        Days and hours in one, repeatable: 'sat 10:00-12:00'; `always` for no windows.
    enable
        Whether the pin opens at all.
    """
    change = _Change(
        alias=alias,
        valid_from=valid_from,
        valid_until=valid_until,
        windows=_windows(days, hours, window) if days is not None or hours or window else None,
        enabled=enable,
    )
    if not pin_stdin and change == _Change():
        raise UsageError("There is nothing to change. `latchwire pin update --help` lists what can be changed.")
    if pin_stdin:
        change = replace(change, digits=_read_digits(from_stdin=True))
    async with service("pin update") as bridge:
        record = await bridge.find_lock(lock)
        zone = zone_of(record)
        pin_id = await _find_pin(bridge, record, pin)
        new = change.over(await bridge.get_pin(record, pin_id), zone)
        await bridge.update_pin(record, pin_id, new, COMMAND_LINE)
        return Updated(id=pin_id)


@app.command
async def remove(lock: str, pin: str, /, *, yes: bool = False) -> Removed:
    """Remove one pin of LOCK. You are asked first.

    Parameters
    ----------
    lock
        The lock's name or number.
    pin
        The pin's number, or its alias where no other pin has it.
    yes
        Do not ask.
    """
    async with service("pin remove") as bridge:
        record = await bridge.find_lock(lock)
        pin_id = await _find_pin(bridge, record, pin)
        if not yes:
            alias = (await bridge.get_pin(record, pin_id)).alias
            confirm(f"Remove the pin {pin_id} ({alias}) from {record.name}?")
        await bridge.delete_pin(record, pin_id, COMMAND_LINE)
        return Removed(id=pin_id)


async def _find_pin(bridge: "Service", record: LockRecord, pin: str) -> int:
    """Return the id of the pin that a person numbers or names. What was typed is not repeated: it may be digits."""
    if pin.isascii() and pin.isdecimal():
        if len(pin) > len(str(LARGEST_PIN_ID)) or not 0 < int(pin) <= LARGEST_PIN_ID:
            raise UsageError(
                f"A pin's number is 1 to {LARGEST_PIN_ID}, as `latchwire pin list` shows it; its digits do not name it."
            )
        return int(pin)
    found = [listed.id for listed in await _listed(bridge, record) if listed.alias == pin]
    if len(found) > 1:
        raise UsageError(f"{len(found)} pins have this alias. Give the number: `latchwire pin list` shows it.")
    if not found:
        why = "The lock has no pin of this alias. `latchwire pin list` shows those that it has."
        raise Refused(Status.NOT_FOUND, None, why)
    return found[0]


async def _listed(bridge: "Service", record: LockRecord) -> tuple[PinSummary, ...]:
    async with progress("Reading the list of pins"):
        return (await bridge.list_pins(record)).pins


def _windows(days: str | None, hours: list[str] | None, window: list[str] | None) -> tuple[Window, ...]:
    texts = window or []
    if ALWAYS in texts and (days or hours or len(texts) > 1):
        raise UsageError("`always` stands alone: leave out --days, --hours and other windows.")
    return parse_windows(days, hours or []) + parse_window_list(texts)


def _moment(text: str | None, zone: ZoneInfo, old: int) -> int:
    return old if text is None else parse_moment(None if text == NONE else text, zone)


def _read_digits(*, from_stdin: bool) -> str:
    if from_stdin and not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to type the pin. Give --pin-stdin and write it to standard input.")
    return ask("Pin: ")
