"""What passes between bench and lock, as events: kept in memory, and told to whatever keeps it for longer.

Keys are never told of. Pins have names in place of their digits, which show only where they are asked for.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bridge.tracing import HIDDEN
from protocol.codec import decode_answer, decode_request, parse
from protocol.errors import MalformedError
from protocol.framing import Damage, Frame, Kind
from protocol.messages.declaration import Refusal
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE
from protocol.registry import MESSAGES

from ..line import Body, Way, read_frame, unopened
from .legible import Pins, tells_pins
from .trace import Event, What

MOST = 20_000
"""Events that are kept in memory; of more, the oldest are forgotten."""
LONGEST_NOTE = 4000
"""Characters; a comment of a capture holds 65,535 bytes."""
_DIGITS = re.compile(r"\d{5,}")
_HELLOS = {Kind.HELLO_REQUEST: HELLO_REQUEST, Kind.HELLO_RESPONSE: HELLO_RESPONSE}
_UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An event, and the bytes that were seen with it; a note has none."""

    event: Event
    data: bytes = b""


class Sink(Protocol):
    """What keeps a capture."""

    def write(self, seen: Seen) -> None:
        """Keep one more."""
        ...


class Scribe:
    """Says what is in frames; the pins that it has seen keep their names."""

    def __init__(self, *, show_pins: bool = False) -> None:
        self._pins = Pins(show=show_pins)

    def frame(self, at: int, way: Way | None, data: bytes, body: bytes | None = None) -> Event:
        """Return what a frame tells, with the help of its opened body where that is known."""
        frame = read_frame(data)
        if isinstance(frame, Damage):
            return Event(at=at, way=way, what=What.DAMAGE, fields={"why": frame.value, "bytes": len(data)})
        event = Event(at=at, way=way, what=What.SEALED, counter=frame.counter, fields={"bytes": len(frame.body)})
        if frame.kind is Kind.TRANSPORT:
            return event if body is None else self._opened(event, body)
        return _in_clear(event, frame)

    def hand(self, at: int, verb: str, told: Mapping[str, object]) -> Event:
        """Return what a hand has done; its pin has a name here."""
        fields = {name: self.text(value) if isinstance(value, str) else value for name, value in told.items()}
        if "digits" in told:
            fields["digits"] = self._pins.name(str(told["digits"]))
        return Event(at=at, way=None, what=What.HAND, name=verb, fields=fields)

    def text(self, text: str) -> str:
        """Return the text of a person, without what could be a pin."""
        return text if self._pins.show else _DIGITS.sub(HIDDEN, text)

    def _opened(self, event: Event, body: bytes) -> Event:
        if event.way is Way.TO_LOCK:
            return self._request(replace(event, what=What.REQUEST), body)
        return self._answer(replace(event, what=What.ANSWER), body)

    def _request(self, event: Event, body: bytes) -> Event:
        try:
            message, request = decode_request(body)
        except MalformedError:
            return replace(event, name=_UNREADABLE, fields=self._raw(body))
        return replace(event, name=message.method, fields=self._pins.fields(request))

    def _answer(self, event: Event, body: bytes) -> Event:
        message = MESSAGES.get(body[0]) if body else None
        if message is None:
            return replace(event, name=_UNREADABLE, fields=self._raw(body))
        try:
            answer = decode_answer(message, body)
        except MalformedError:
            return replace(event, name=_UNREADABLE, fields=self._raw(body))
        fields = self._pins.fields(answer)
        status = fields.pop("status") if isinstance(answer, Refusal) else "ok"
        fields = {name: value for name, value in fields.items() if value is not None}
        return replace(event, name=message.method, status=status, fields=fields)

    def _raw(self, body: bytes) -> dict[str, Any]:
        """Return what can be told of a body that is no message: of an opcode with digits not what is in it."""
        message = MESSAGES.get(body[0]) if body else None
        safe = self._pins.show or len(body) <= 2 or (message is not None and not tells_pins(message))
        return {"body": body.hex()} if safe else {"opcode": body[0], "bytes": len(body)}


def _in_clear(event: Event, frame: Frame) -> Event:
    if frame.kind is Kind.HANDSHAKE:
        return replace(event, what=What.HANDSHAKE)
    if frame.kind is Kind.REFUSED:
        return replace(event, what=What.REFUSED)
    try:
        hello = parse(_HELLOS[frame.kind], frame.body)
    except MalformedError:
        return replace(event, what=What.HELLO, name=_UNREADABLE)
    return replace(event, what=What.HELLO, fields=Pins(show=False).fields(hello))


class Capture:
    """One test's: an ear that keeps what it is told, and tells it to sinks; sinks that come late are told all of it.

    What is in a frame is looked at when somebody asks: most tests pass, and nobody does.
    """

    def __init__(self, *, show_pins: bool = False, now: Callable[[], int] = time.time_ns, most: int = MOST) -> None:
        self.began = now()
        """In nanoseconds since the epoch."""
        self.forgotten = 0
        """How many of the oldest events are in memory no more."""
        self._now = now
        self._scribe = Scribe(show_pins=show_pins)
        self._most = most
        self._seen: deque[Seen] = deque()
        self._waiting: deque[Callable[[], Seen]] = deque()
        """What nobody has looked at so far; all of it is newer than what was seen."""
        self._sinks: list[Sink] = []

    @property
    def empty(self) -> bool:
        """Whether nothing has happened so far."""
        return not (self._seen or self._waiting)

    @property
    def events(self) -> tuple[Event, ...]:
        """What has happened so far."""
        self._look()
        return tuple(seen.event for seen in self._seen)

    @property
    def messages(self) -> tuple[Event, ...]:
        """The requests and answers so far."""
        return tuple(event for event in self.events if event.what in (What.REQUEST, What.ANSWER))

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Take a frame, or what should have been one."""
        at, scribe = self._now(), self._scribe
        self._take(lambda: Seen(event=scribe.frame(at, way, data, body()), data=data))

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Take what a hand has done."""
        at, scribe = self._now(), self._scribe
        self._take(lambda: Seen(event=scribe.hand(at, verb, told)))

    def note(self, text: str) -> None:
        """Write down a sentence of the test's own; what could be digits of a pin is hidden in it."""
        self._tell(What.NOTE, text)

    def end(self, outcome: str) -> None:
        """Say how the test has ended; nothing follows."""
        self._tell(What.END, outcome)

    def keep(self, sink: Sink) -> None:
        """Tell a sink what has happened so far, and all that follows."""
        self._look()
        if self.forgotten:
            gap = f"Of this test {self.forgotten} earlier events were forgotten."
            sink.write(Seen(event=Event(at=self._seen[0].event.at, way=None, what=What.NOTE, name=gap)))
        for seen in self._seen:
            sink.write(seen)
        self._sinks.append(sink)

    def _tell(self, what: What, text: str) -> None:
        at, told = self._now(), self._scribe.text(text)[:LONGEST_NOTE].strip()
        self._take(lambda: Seen(event=Event(at=at, way=None, what=what, name=told)))

    def _take(self, look: Callable[[], Seen]) -> None:
        if len(self._seen) + len(self._waiting) == self._most:
            (self._seen or self._waiting).popleft()
            self.forgotten += 1
        self._waiting.append(look)
        if self._sinks:
            self._look()

    def _look(self) -> None:
        """See what waits, and tell the sinks of it."""
        while self._waiting:
            seen = self._waiting.popleft()()
            self._seen.append(seen)
            for sink in self._sinks:
                sink.write(seen)
