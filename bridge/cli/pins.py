"""The `pin` commands for one pin. Digits are read from standard input or a prompt, never from an argument."""

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from bridge.errors import Refused, UsageError
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord
from protocol.vocabulary import LARGEST_PIN_ID, PinEntry, PinSummary, Schedule, Status, Window

from . import pin_lists
from .asking import ask, confirm
from .context import listed, service
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

T = TypeVar("T")

NONE = "none"


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


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether and when a pin opens, as it was typed; what was not typed stays as it was."""

    valid_from: Annotated[str | None, Parameter(name="--from")] = None
    """When the pin begins to open: 2026-11-23, 2026-11-23T08:00, in the lock's zone unless an offset follows; `none`
    for no beginning."""
    valid_until: Annotated[str | None, Parameter(name="--until")] = None
    """When it ends: the first moment at which it opens no more; `none` for no end."""
    days: str | None = None
    """On which weekdays it opens: mon-fri, or sat,sun. Days, hours and windows take the place of all windows."""
    hours: list[str] | None = None
    """At which hours of these days it opens, repeatable: 08:00-16:00, or 22:00-06:00 across midnight."""
    window: list[str] | None = None
    """Days and hours in one, repeatable, beside --days and --hours: 'sat 10:00-12:00'; `always` for no windows. Four
    windows are the most."""
    enable: Annotated[bool | None, Parameter(name="--enable", negative="--disable")] = None
    """Whether the pin opens at all; a new one does."""

    def over(self, old: PinEntry, zone: ZoneInfo) -> PinEntry:
        """Return `old` with what was typed; raise UsageError."""
        schedule = Schedule(
            valid_from=_moment(self.valid_from, zone, old.schedule.valid_from),
            valid_until=_moment(self.valid_until, zone, old.schedule.valid_until),
            windows=_or(self.windows(), old.schedule.windows),
        )
        return replace(old, enabled=_or(self.enable, old.enabled), schedule=schedule)

    def windows(self) -> tuple[Window, ...] | None:
        """Return the windows that were typed, None where none were; raise UsageError, whatever the lock's zone is."""
        texts = self.window or []
        if not (self.days is not None or self.hours or texts):
            return None
        if ALWAYS in texts and (self.days or self.hours or len(texts) > 1):
            raise UsageError("`always` stands alone: leave out --days, --hours and other windows.")
        return parse_windows(self.days, self.hours or []) + parse_window_list(texts)


_AS_IT_IS = Opening()


@app.command
async def add(
    lock: str,
    /,
    *,
    alias: str,
    pin_stdin: bool = False,
    opening: Opening = _AS_IT_IS,
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
    """
    opening.windows()  # nobody is asked for the digits in vain
    digits = _read_digits(from_stdin=pin_stdin)
    async with service("pin add") as bridge:
        record = await bridge.find_lock(lock)
        entry = opening.over(PinEntry(digits=digits, alias=alias), zone_of(record))
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
        pins = tuple(view(pin, zone) for pin in await _listed(bridge, record))
        return listed(pins, f"The lock {record.name} has no pins. `latchwire pin add` gives it one.")


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
    opening: Opening = _AS_IT_IS,
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
    """
    if not pin_stdin and (alias, opening) == (None, _AS_IT_IS):
        raise UsageError("There is nothing to change. `latchwire pin update --help` lists what can be changed.")
    opening.windows()  # the lock is not asked in vain
    digits = _read_digits(from_stdin=True) if pin_stdin else None
    async with service("pin update") as bridge:
        record = await bridge.find_lock(lock)
        zone = zone_of(record)
        pin_id = await _find_pin(bridge, record, pin)
        old = await bridge.get_pin(record, pin_id)
        new = replace(opening.over(old, zone), digits=_or(digits, old.digits), alias=_or(alias, old.alias))
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


def _or(given: T | None, old: T) -> T:
    return old if given is None else given


def _moment(text: str | None, zone: ZoneInfo, old: int) -> int:
    return old if text is None else parse_moment(None if text == NONE else text, zone)


def _read_digits(*, from_stdin: bool) -> str:
    if from_stdin and not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("Nobody is here to type the pin. Give --pin-stdin and write it to standard input.")
    return ask("Pin: ")
