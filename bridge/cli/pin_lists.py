"""The `pin` commands for whole lists: export, import, verify and apply files of pins."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from bridge.plans import Action, Held, Step, Wanted, additions, plan
from bridge.records import LockRecord

from .asking import confirm
from .context import service
from .exits import OK, READ_BACK_DIFFERS, REFUSED, UNKNOWN_OUTCOME
from .pin_files import STDOUT, kind_of, read_pin_file, save, write_pins
from .pin_views import zone_of
from .progress import progress

if TYPE_CHECKING:
    from bridge.service import Service

FileOrStdout = Annotated[str, Parameter(allow_leading_hyphen=True)]

_TO_DO = (Action.REMOVE, Action.UPDATE, Action.ADD)
_ADDED = "added"
_ALREADY = "already there"
_COMPARED = {
    Action.REMOVE: "not in the file",
    Action.ADD: "missing at the lock",
    Action.UPDATE: "differs",
    Action.KEEP: "equal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file that was written."""

    file: str
    pins: int

    def __str__(self) -> str:
        return f"{self.file} holds {self.pins} pins."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedText:
    """The text of a file, for standard output."""

    text: str

    def __str__(self) -> str:
        return self.text.removesuffix("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is going to be done with one slot; `changes` names the columns that differ."""

    action: str
    id: int | None
    alias: str
    changes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How one slot has ended."""

    action: str
    id: int | None
    alias: str
    outcome: str
    reason: str | None

    def __str__(self) -> str:
        line = f"{self.outcome:13} {self.action:7} {'-' if self.id is None else self.id:>5}  {self.alias}"
        return line if self.reason is None else f"{line}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """How many slots have ended how; the command ends by the worst of them."""

    counts: dict[str, int]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in self.counts.items()) or "There is nothing to do."

    @property
    def exit_code(self) -> int:
        """6 where an outcome is unknown, else 4 where the lock refused, else 7 where it holds something else."""
        worst = (
            ("unknown", UNKNOWN_OUTCOME),
            ("not asked", UNKNOWN_OUTCOME),
            ("refused", REFUSED),
            ("differs", READ_BACK_DIFFERS),
            ("missing at the lock", READ_BACK_DIFFERS),
            ("not in the file", READ_BACK_DIFFERS),
        )
        return next((code for name, code in worst if self.counts.get(name)), OK)


async def export(lock: str, file: FileOrStdout, /, *, show_pins: bool = False) -> Exported | ExportedText:
    """Write the pins of LOCK to FILE, TOML or CSV by its ending, or as CSV to standard output with `-`.

    Parameters
    ----------
    lock
        The lock's name or number.
    file
        A new file, which only you may read; its columns are alias, pin, enabled, from, until, windows.
    show_pins
        Write the digits, too. Without them the file can be verified, but neither imported nor applied.
    """
    kind = kind_of(file)
    async with service("pin export") as bridge:
        record = await bridge.find_lock(lock)
        zone = zone_of(record)
        held = await _read(bridge, record)
    text = write_pins(held, zone, kind=kind, with_digits=show_pins)
    if file == STDOUT:
        return ExportedText(text=text)
    await asyncio.to_thread(save, Path(file), text)
    return Exported(file=file, pins=len(held))


async def import_(lock: str, file: Path, /) -> AsyncIterator[Done | Sum]:
    """Add the pins of FILE to LOCK; nothing else is changed or removed.

    Each pin ends as added (and read back), already there, refused with the reason, or unknown.

    Parameters
    ----------
    lock
        The lock's name or number.
    file
        A file of pins, TOML or CSV by its ending; `latchwire pin apply --help` shows both.
    """
    async with service("pin import") as bridge:
        record = await bridge.find_lock(lock)
        wishes = await _wishes(file, zone_of(record), digits_needed=True)
        steps = additions(await _read(bridge, record), wishes)
        already = [_done(step, _ALREADY, step.id) for step in steps if step.action is Action.KEEP]
        async for one in _to_the_end(bridge, record, steps, already, verified=_ADDED):
            yield one


async def verify(lock: str, file: Path, /) -> AsyncIterator[tuple[Planned, ...] | Sum]:
    """Read the pins of LOCK back and compare them with FILE; exit code 7 where they differ.

    Parameters
    ----------
    lock
        The lock's name or number.
    file
        A file of pins, TOML or CSV by its ending; pins without digits are known by their alias.
    """
    async with service("pin verify") as bridge:
        record = await bridge.find_lock(lock)
        wishes = await _wishes(file, zone_of(record), digits_needed=False)
        steps = plan(await _read(bridge, record), wishes, prune=True)
    compared = [(step, _COMPARED[step.action]) for step in steps]
    yield tuple(_planned(step, word) for step, word in compared)
    yield _sum(word for _, word in compared)


async def apply(
    lock: str, file: Path, /, *, prune: bool = False, dry_run: bool = False, yes: bool = False
) -> AsyncIterator[tuple[Planned, ...] | Done | Sum]:
    """Bring LOCK to what FILE says: the plan is shown, you are asked, and each slot is changed and read back.

    Each slot ends as verified, refused with the reason, differs (somebody changed it meanwhile), unknown, or not asked
    (after an unknown one). Cut off or killed, the same command goes on where it stood.

    A CSV file begins with the line alias,pin,enabled,from,until,windows, and has lines such as
    `Cleaning,97531,yes,2026-11-23,,mon-fri 08:00-16:00; sat 10:00-12:00`. A TOML file has for each pin a table
    `[[pin]]` with alias = "Cleaning", pin = "97531", windows = ["mon-fri 08:00-16:00"]. All but the alias and the pin
    may be left out. A pin is known again by its digits, or else by its alias, where only one pin has that.

    Parameters
    ----------
    lock
        The lock's name or number.
    file
        A file of pins, TOML or CSV by its ending.
    prune
        Remove pins that the file does not list; they are spared otherwise.
    dry_run
        Show the plan alone.
    yes
        Do not ask.
    """
    async with service("pin apply") as bridge:
        record = await bridge.find_lock(lock)
        wishes = await _wishes(file, zone_of(record), digits_needed=True)
        steps = plan(await _read(bridge, record), wishes, prune=prune)
        yield tuple(_planned(step, step.action.value) for step in steps)
        waiting = sum(step.action in _TO_DO for step in steps)
        if dry_run or not waiting:
            yield _sum(step.action.value for step in steps)
            return
        if not yes:
            confirm(f"Change {waiting} slots of {record.name}?")
        async for one in _to_the_end(bridge, record, steps):
            yield one


async def _wishes(file: Path, zone: ZoneInfo, *, digits_needed: bool) -> tuple[Wanted, ...]:
    return await asyncio.to_thread(read_pin_file, file, zone, digits_needed=digits_needed)


async def _read(bridge: "Service", record: LockRecord) -> tuple[Held, ...]:
    from bridge.applying import read_pins  # noqa: PLC0415  it imports the service, which --help does without

    held: tuple[Held, ...] = ()
    async with progress("Reading pins") as telling:
        async for total, held in read_pins(bridge, record):
            telling.tell(len(held), total)
    return held


async def _to_the_end(
    bridge: "Service",
    record: LockRecord,
    steps: tuple[Step, ...],
    already: Iterable[Done] = (),
    *,
    verified: str = "verified",
) -> AsyncIterator[Done | Sum]:
    """Do what is to be done of `steps`; yield what is done `already`, how each step has ended, and the sum.

    `verified` is what a slot is called that was read back as it should be.
    """
    from bridge.applying import Outcome, carry_out  # noqa: PLC0415  it imports the service, which --help does without

    ended = list(already)
    for one in ended:
        yield one
    todo = tuple(step for step in steps if step.action in _TO_DO)
    async for ending in carry_out(bridge, record, todo):
        outcome = verified if ending.outcome is Outcome.VERIFIED else ending.outcome.value
        ended.append(_done(ending.step, outcome, ending.id, ending.reason))
        yield ended[-1]
    yield _sum(one.outcome for one in ended)


def _planned(step: Step, word: str) -> Planned:
    return Planned(action=word, id=step.id, alias=step.alias, changes=", ".join(step.changes))


def _done(step: Step, outcome: str, pin_id: int | None, reason: str | None = None) -> Done:
    return Done(action=step.action.value, id=pin_id, alias=step.alias, outcome=outcome, reason=reason)


def _sum(words: Iterable[str]) -> Sum:
    return Sum(counts=dict(Counter(words)))
