"""The text trace: a line for each frame, hand and note; people read it, and programs read the same out of it again."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any

from ..errors import BenchFault
from ..line import Way

TITLE = "# latchwire trace 1"
LEGEND = "#     seconds  → to the lock  ← from the lock  · at the bench"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARROWS = {Way.TO_LOCK: "→", Way.FROM_LOCK: "←", None: "·"}
_WAYS = {arrow: way for way, arrow in _ARROWS.items()}
_LINE = re.compile(r" *(-?\d+)\.(\d{6}) +([→←·]) +(.*)")
_TOLD = re.compile(r"([a-z]+)(?: +#(\d+))?(?: +(.*))?")
_BARE = re.compile(r"[A-Za-z_•][\w•./:+|-]*", re.ASCII)
_FIELD = re.compile(r"([a-z0-9_.]+)=(?=\S)")
_JSON_WORDS = ("true", "false", "null")


class What(StrEnum):
    """What a line of a trace tells of."""

    HELLO = "hello"
    HANDSHAKE = "handshake"
    REQUEST = "request"
    ANSWER = "answer"
    SEALED = "sealed"  # of a session that is not known, or not any more
    REFUSED = "refused"
    DAMAGE = "damage"
    HAND = "hand"
    NOTE = "note"
    END = "end"


_TEXTS = (What.NOTE, What.END)
"""Here `name` is the text of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, in nanoseconds since the epoch; `name` is the message's, the hand's, or the text.

    `fields` are what JSON can hold. Of an answer `status` is "ok" or the refusal's.
    """

    at: int
    way: Way | None
    what: What
    counter: int | None = None
    name: str = ""
    status: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        counter = "" if self.counter is None else f"#{self.counter}"
        if self.what in _TEXTS:
            return f"{self.what:<9} {_quoted(self.name)[1:-1]}"
        told = " ".join(f"{name}={_shown(value)}" for name, value in flat(self.fields).items())
        return " ".join([f"{self.what:<9} {counter:<3}", *filter(None, (self.name, self.status, told))]).rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What was recorded: what is told of it as a whole, its events, and why it ends before its end."""

    header: Mapping[str, str]
    events: tuple[Event, ...]
    cut: str | None = None

    @property
    def start(self) -> int:
        """When it began, in nanoseconds since the epoch; where that is not told, with its first event."""
        try:
            return began(self.header)
        except ValueError:
            return self.events[0].at if self.events else 0


def head(header: Mapping[str, str]) -> str:
    """Return the first lines of a trace; `header["began"]` is what its times count from."""
    return "\n".join([TITLE, *(f"# {name}: {_quoted(value)[1:-1]}" for name, value in header.items()), LEGEND, ""])


def line(event: Event, start: int) -> str:
    """Return the line of an event, without its end; its time counts from `start`, in nanoseconds since the epoch."""
    micros = event.at // 1000 - start // 1000
    sign, (seconds, rest) = "-" if micros < 0 else "", divmod(abs(micros), 10**6)
    return f"{f'{sign}{seconds}.{rest:06}':>13}  {_ARROWS[event.way]}  {event}"


def told(text: str, at: int, way: Way | None) -> Event:
    """Return the event whose `str` is `text`; raise ValueError where it is none's."""
    found = _TOLD.fullmatch(text.strip(" "))
    if found is None:
        raise ValueError("no event")
    what, counter, rest = What(found[1]), found[2], found[3] or ""
    if what in _TEXTS:
        return Event(at=at, way=way, what=what, name=str(json.loads(f'"{text.strip(" ")[len(what) :].strip(" ")}"')))
    words = _FIELD.split(rest, maxsplit=1)[0]
    name, status = (*words.split(), "", "")[:2]
    return Event(
        at=at, way=way, what=what, counter=None if counter is None else int(counter),
        name=name, status=status, fields=_nested(_fields(rest[len(words) :])),
    )  # fmt: skip


def moment(nanoseconds: int) -> str:
    """Return an instant as ISO 8601 has it, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat().replace("+00:00", "Z")


def began(header: Mapping[str, str]) -> int:
    """Return when a recording began, in nanoseconds since the epoch; raise ValueError where that is not told."""
    text = header.get("began", "")
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1000


def read_trace(text: str) -> Recording:
    """Return what a text trace holds, as far as it goes; raise BenchFault where it is none."""
    *lines, rest = text.split("\n")
    if not lines or lines[0] != TITLE:
        raise BenchFault("The file is no trace that can be read: it does not begin as one.")
    header = read_head(lines)
    events: list[Event] = []
    for number, each in enumerate(lines, 1):
        try:
            if not each.startswith("#"):
                events.append(_event(each, began(header)))
        except (ValueError, OverflowError, RecursionError):
            raise BenchFault(f"The trace is damaged: line {number} cannot be read.") from None
    return Recording(header=header, events=tuple(events), cut=cut_of(events, "in a line" if rest else None))


def read_head(lines: Sequence[str]) -> dict[str, str]:
    """Return what the first lines of a trace tell of it; raise BenchFault where they cannot be read."""
    header = {}
    for each in takewhile(lambda line: line.startswith("#"), lines):
        name, colon, value = each.removeprefix("# ").partition(": ")
        if colon:
            try:
                header[name] = str(json.loads(f'"{value}"'))
            except ValueError:
                raise BenchFault("The head of the trace is damaged.") from None
    return header


def cut_of(events: list[Event], where: str | None) -> str | None:
    """Return why a recording ends before its end, None where it does not."""
    if where is not None:
        return f"The recording is cut off {where}."
    if not events or events[-1].what is not What.END:
        return "The recording has no end: the run was cut off, or is not over."
    return None


def _event(text: str, start: int) -> Event:
    found = _LINE.fullmatch(text)
    if found is None:
        raise ValueError("no line")
    micros = int(found[1]) * 10**6 + int(found[2]) * (-1 if found[1].startswith("-") else 1)
    return told(found[4], (start // 1000 + micros) * 1000, _WAYS[found[3]])


def _fields(text: str) -> dict[str, Any]:
    """Read `name=value name=value`; raise ValueError."""
    fields: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError("no field")
        bare = _BARE.match(text, found.end())
        if bare and bare[0] not in _JSON_WORDS:
            fields[found[1]], at = bare[0], bare.end()
        else:
            fields[found[1]], at = decoder.raw_decode(text, found.end())
        if text[at : at + 1] not in ("", " "):
            raise ValueError("no end of a value")
        at += 1
    return fields


def flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with those of a record among them beside the others, as `record.field`."""
    shown: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            shown |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        else:
            shown[name] = value
    return shown


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in fields.items():
        *outer, last = name.split(".")
        at = nested
        for each in outer:
            at = at.setdefault(each, {})
            if not isinstance(at, dict):
                raise ValueError("a field in what is no record")
        at[last] = value
    return nested


def _shown(value: object) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and value not in _JSON_WORDS:
        return value
    return _quoted(value)


def _quoted(value: object) -> str:
    """Return JSON in which everything shows that can be printed, and nothing else."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
