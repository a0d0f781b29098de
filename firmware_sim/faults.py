"""A fault plan as data: what goes wrong with a lock, and when or how often; a file is taken whole or refused.

A file holds one `[[fault]]` table for each fault. What is wrong with it is said with its line and key.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from .device import GEOMETRY
from .errors import FaultPlanError
from .failing_flash import Tear


class LinkKind(StrEnum):
    """What can happen to a piece of bytes on a link, in either direction."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    BIT_FLIP = "bit_flip"
    TRUNCATE = "truncate"
    COALESCE = "coalesce"
    SPLIT = "split"
    LATE = "late"
    DISCONNECT = "disconnect"


class FlashKind(StrEnum):
    """What can happen to the flash."""

    BROWN_OUT = "brown_out"
    BAD_BLOCK = "bad_block"
    WORN = "worn"


class ClockKind(StrEnum):
    """What can happen to the real-time clock."""

    LOSE = "lose"
    STEP = "step"
    DRIFT = "drift"


class CpuKind(StrEnum):
    """What can happen to the processor."""

    BUSY = "busy"
    STALL = "stall"
    RESET = "reset"


class Direction(StrEnum):
    """Which way bytes go: in to the lock, or out of it."""

    IN = "in"
    OUT = "out"


Kind = LinkKind | FlashKind | ClockKind | CpuKind

SUBSYSTEMS: Mapping[str, type[Kind]] = {"link": LinkKind, "flash": FlashKind, "clock": ClockKind, "cpu": CpuKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line of a plan: once, `at` so many seconds after the start, or by chance, with `probability` each time.

    By chance, a link's fault is drawn for each piece of bytes on a link, any other one for each piece that reaches
    the lock. The rest are the values of the kinds that have them; a None is drawn when the fault fires.
    """

    kind: Kind
    at: float | None = None
    probability: float = 0.0
    direction: Direction | None = None
    """The only direction that a link's fault strikes; None is both."""
    seconds: float = 0.0
    """late: how late. step: how far, either way. busy, stall: how long."""
    size: int = 1
    """split: the most bytes in a piece."""
    byte: int | None = None
    """disconnect: how many bytes still pass."""
    operation: int | None = None
    """brown_out: in which flash operation from then on power is lost, from 1."""
    model: Tear | None = None
    """brown_out: what that operation leaves."""
    page: int = 0
    """bad_block: which page takes no more programs and erases."""
    erases: int = 0
    """worn: how many erases a page takes in all."""
    ppm: int = 0
    """drift: how many parts in a million the clock is fast, or slow where it is below 0."""


def read_plan(path: Path) -> tuple[Fault, ...]:
    """Return the faults in a file; raise FaultPlanError."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise FaultPlanError(f"Cannot read {path}: {error.strerror}. Choose another file for --faults.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FaultPlanError(f"{path}, line {line}: this is no UTF-8. Write the fault plan anew.") from None
    return parse_plan(text, str(path))


def parse_plan(text: str, name: str) -> tuple[Fault, ...]:
    """Return the faults in TOML text, which a refusal calls `name`; raise FaultPlanError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FaultPlanError(f"{name}, line {_told_line(error, text)}: this is no TOML ({error}).") from None
    except RecursionError:
        raise FaultPlanError(f"{name}, line 1: this is no fault plan, its values are nested too deeply.") from None
    strange = next((key for key in data if key != "fault"), None)
    if strange is not None:
        line = _line_where(text, lambda read: strange in read)
        raise FaultPlanError(f'{name}, line {line}, "{strange}": a plan holds [[fault]] tables and nothing else.')
    tables = data.get("fault", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        line = _line_where(text, lambda read: "fault" in read)
        raise FaultPlanError(f'{name}, line {line}, "fault": give each fault a [[fault]] table.')
    return tuple(_read_table(text, name, number, table) for number, table in enumerate(tables))


def plan_of(tables: object) -> tuple[Fault, ...]:
    """Return the faults in tables that are no file's, such as JSON's; raise FaultPlanError."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise FaultPlanError("a plan is a list with a table for each fault")
    return tuple(_made(number, table) for number, table in enumerate(tables, 1))


def _made(number: int, table: Mapping[str, Any]) -> Fault:
    try:
        return _make(table)
    except _Wrong as wrong:
        key = wrong.key if wrong.key.isidentifier() else "?"  # whatever it may be
        raise FaultPlanError(f'fault {number}, "{key}": {wrong.sentence}') from None


class _Wrong(Exception):
    def __init__(self, key: str, sentence: str) -> None:
        self.key = key
        self.sentence = sentence


class _Key(NamedTuple):
    allows: Callable[[Any], bool]
    sentence: str
    needed: bool = True


def _number(low: float, high: float, sentence: str) -> _Key:
    return _Key(lambda value: isinstance(value, int | float) and not _is_bool(value) and low <= value <= high, sentence)


def _whole(low: int, high: int, *, needed: bool = True) -> _Key:
    sentence = f"give a whole number from {low} to {high}"
    return _Key(lambda value: isinstance(value, int) and not _is_bool(value) and low <= value <= high, sentence, needed)


def _one_of(names: type[Enum]) -> _Key:
    known = [name.value for name in names]
    return _Key(lambda value: value in known, f"give one of {', '.join(known)}", needed=False)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


_LONGEST = 10 * 365 * 24 * 3600
_AT = _number(0, _LONGEST, "give seconds after the start, from 0 to ten years")
_PROBABILITY = _number(0, 1, "give a number from 0 to 1")
_HOW_LONG = _number(0, 24 * 3600, "give seconds from 0 to one day")
_STEP = _number(-_LONGEST, _LONGEST, "give seconds, at most ten years either way")

_KEYS: Mapping[Kind, Mapping[str, _Key]] = {
    LinkKind.SPLIT: {"size": _whole(1, 4096)},
    LinkKind.LATE: {"seconds": _HOW_LONG},
    LinkKind.DISCONNECT: {"byte": _whole(0, 4096, needed=False)},
    FlashKind.BROWN_OUT: {"operation": _whole(1, 1_000_000, needed=False), "model": _one_of(Tear)},
    FlashKind.BAD_BLOCK: {"page": _whole(0, GEOMETRY.pages - 1)},
    FlashKind.WORN: {"erases": _whole(0, 1_000_000)},
    ClockKind.STEP: {"seconds": _STEP},
    ClockKind.DRIFT: {"ppm": _whole(-100_000, 100_000)},
    CpuKind.BUSY: {"seconds": _HOW_LONG},
    CpuKind.STALL: {"seconds": _HOW_LONG},
}
_MAKERS: Mapping[str, Callable[[str], Enum]] = {"direction": Direction, "model": Tear}


def _read_table(text: str, name: str, number: int, table: Mapping[str, Any]) -> Fault:
    def holds(read: dict[str, Any], key: str) -> bool:
        tables = read.get("fault", [])
        return len(tables) > number and (key in tables[number] or key not in table)

    try:
        return _make(table)
    except _Wrong as wrong:
        key, sentence = wrong.key, wrong.sentence
    line = _line_where(text, lambda read: holds(read, key))
    raise FaultPlanError(f'{name}, line {line}, "{key}": {sentence}.')


def _make(table: Mapping[str, Any]) -> Fault:
    kind = _kind(table)
    keys = {"at": _AT, "probability": _PROBABILITY, **_KEYS.get(kind, {})}
    if isinstance(kind, LinkKind):
        keys["direction"] = _one_of(Direction)
    values = {key: value for key, value in table.items() if key not in SUBSYSTEMS}
    for key, value in values.items():
        if key not in keys:
            raise _Wrong(key, f"a {kind} has no such key, only {', '.join(keys)}")
        if not keys[key].allows(value):
            raise _Wrong(key, keys[key].sentence)
    if len(values.keys() & {"at", "probability"}) != 1:
        raise _Wrong("at" if "at" in values else "probability", "give each fault either at or probability")
    for key in _KEYS.get(kind, {}):
        if _KEYS[kind][key].needed and key not in values:
            raise _Wrong(key, f"a {kind} needs it: {_KEYS[kind][key].sentence}")
    made: dict[str, Any] = {key: _MAKERS[key](value) if key in _MAKERS else value for key, value in values.items()}
    return Fault(kind=kind, **made)


def _kind(table: Mapping[str, Any]) -> Kind:
    named = [key for key in SUBSYSTEMS if key in table]
    if len(named) != 1:
        raise _Wrong(named[-1] if named else "link", f"give each fault one of {', '.join(SUBSYSTEMS)}")
    kinds = [kind.value for kind in SUBSYSTEMS[named[0]]]
    if table[named[0]] not in kinds:
        raise _Wrong(named[0], f"there is no such fault, only {', '.join(kinds)}")
    return SUBSYSTEMS[named[0]](table[named[0]])


def _line_where(text: str, holds: Callable[[dict[str, Any]], bool]) -> int:
    """Return the line, from 1, up to which TOML must be read until it holds something; tomllib tells no lines."""
    lines = text.split("\n")
    for count in range(1, len(lines)):
        try:
            if holds(tomllib.loads("\n".join(lines[:count]))):
                return count
        except tomllib.TOMLDecodeError:  # in the midst of a value of several lines
            continue
    return len(lines)


def _told_line(error: tomllib.TOMLDecodeError, text: str) -> int:
    told = re.search(r"\(at line (\d+), column \d+\)$", str(error))
    return int(told[1]) if told else text.count("\n") + 1
