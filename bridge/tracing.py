"""What is asked of locks and what they answer, opened for people to read; digits show only to whoever asks for them."""

import asyncio
import dataclasses
import enum
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from protocol.codec import decode_request
from protocol.errors import MalformedError
from protocol.messages.declaration import Refusal, Request, Response

from .errors import UsageError

HIDDEN = "•••••"
"""What stands for digits, however many there are."""
_ALWAYS_HIDDEN = frozenset({"fingerprint"})  # a few digits can be guessed from the hash of a request that holds them
_DIGITS = re.compile(r"\d{5,}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEvent:
    """One request on its way to a lock, or what came of it.

    `lock` is its own number as the label's reader writes it, `status` the answer's, `ms` what the answer took. Where
    none came, `status` is "unanswered".
    """

    time: str
    lock: str
    what: str
    message: str
    status: str | None = None
    ms: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={_plain(value)}" for name, value in self.fields.items())
        if self.status is None:
            return f"{self.time} {self.lock} → {self.message} {told}".rstrip()
        return f"{self.time} {self.lock} ← {self.message} {self.status} {told}".rstrip() + f" ({self.ms:g} ms)"


class Sink(Protocol):
    """Where events go; it never raises, for a trace must not stop a pin."""

    def write(self, event: Callable[[bool], TraceEvent]) -> None:
        """Take the event; `event(True)` shows digits, `event(False)` hides them."""
        ...


class Trace:
    """Tells its sinks of each exchange with a lock."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    @contextmanager
    def exchange(self, wire_id: int, body: bytes) -> Iterator["Answered"]:
        """Tell of the request `body`, and at the end of the context what was noted as its answer."""
        request = _opened(body)
        if request is None or not self._sinks:
            yield Answered()
            return
        message, record = request
        loop = asyncio.get_running_loop()
        self._tell(wire_id, "request", message, record)
        answered, begun = Answered(), loop.time()
        try:
            yield answered
        finally:
            self._tell(wire_id, "answer", message, answered.answer, took=loop.time() - begun)

    def _tell(self, wire_id: int, what: str, message: str, record: object | None, *, took: float | None = None) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

        def event(show_pins: bool) -> TraceEvent:
            return TraceEvent(
                time=at,
                lock=f"{wire_id:08X}",
                what=what,
                message=message,
                status=None if took is None else _status(record),
                ms=None if took is None else round(1000 * took, 1),
                fields={} if record is None else legible(record, show_pins=show_pins),
            )

        for sink in self._sinks:
            sink.write(event)


@dataclass(slots=True)
class Answered:
    """What came of an exchange; None as long as nothing has."""

    answer: Response | Refusal | None = None


NO_TRACE = Trace()


class TraceFile:
    """A file of one JSON object a line, made with mode 0600 and only ever appended to; digits never get there."""

    def __init__(self, path: Path) -> None:
        self._made = not path.exists()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"The trace cannot be written to {path} ({error.strerror}). Name another file.") from None
        self._path = path
        self._broken = False

    def write(self, event: Callable[[bool], TraceEvent]) -> None:
        """Append one line; a disk that fails is told of once."""
        try:
            os.write(self._file, as_json(event(False)) + b"\n")
        except OSError as error:
            if not self._broken:
                _log.warning("The trace in %s has a gap (%s).", self._path, error.strerror)
            self._broken = True

    def close(self) -> None:
        """End the trace; one in which nothing was asked of any lock leaves no file."""
        if self._made and not os.fstat(self._file).st_size:
            self._path.unlink(missing_ok=True)
        os.close(self._file)


class KeptTrace:
    """Keeps what a file would hold, in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, event: Callable[[bool], TraceEvent]) -> None:
        """Keep one line."""
        self.lines.append(as_json(event(False)))


def as_json(event: TraceEvent) -> bytes:
    """Return the event as the one line that files and monitors hold of it."""
    return json.dumps(dataclasses.asdict(event), ensure_ascii=False).encode()


def legible(record: object, *, show_pins: bool) -> dict[str, Any]:
    """Return the fields of a message as JSON can hold them; digits and what could tell them are hidden."""
    shown: dict[str, Any] = {}
    for each in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, each.name)
        if each.name in _ALWAYS_HIDDEN or (each.name == "digits" and not show_pins):
            shown[each.name] = HIDDEN
        elif each.name == "alias" and not show_pins:
            shown[each.name] = _DIGITS.sub(HIDDEN, value)  # people write them into names, too
        else:
            shown[each.name] = _value(value, show_pins=show_pins)
    return shown


def _value(value: object, *, show_pins: bool) -> Any:
    if dataclasses.is_dataclass(value):
        return legible(value, show_pins=show_pins)
    if isinstance(value, enum.Enum):
        return (value.name or str(value.value)).lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_value(each, show_pins=show_pins) for each in value]
    return value


def _plain(value: object) -> str:
    return (
        value
        if isinstance(value, str) and value.isascii() and " " not in value
        else json.dumps(value, ensure_ascii=False)
    )


def _opened(body: bytes) -> tuple[str, Request] | None:
    try:
        message, request = decode_request(body)
    except MalformedError:  # nothing that this bridge has written
        return None
    return message.method, request


def _status(answer: object) -> str:
    if answer is None:
        return "unanswered"
    return answer.status.name.lower() if isinstance(answer, Refusal) else "ok"
