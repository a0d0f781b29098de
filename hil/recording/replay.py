"""Replays a recording: its requests are sent again in new sessions, and the answers have to be the same.

A file becomes a test of one's own in a few lines:

    from pathlib import Path

    from hil.recording.reading import read_recording
    from hil.recording.replay import replay

    async def test_what_failed_on_monday(lock):
        (await replay(read_recording(Path("monday.trace")), lock)).must_agree()

Where the hands at the lock can do it, they do again what hands have done. A button is not held again, and no pairing
is made or ended: the bench needs its own. What cannot repeat itself is not compared: times, places of the bolt, and
what another lock is called.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import LinkLost
from protocol.codec import next_operation
from protocol.messages.clock import CLOCK_SET
from protocol.messages.declaration import Refusal, Request
from protocol.messages.hello import HelloFlag, Mode
from protocol.messages.pairing import PAIR_COMMIT, UNPAIR
from protocol.messages.pins import LAST_OPERATION
from protocol.registry import MESSAGES

from ..errors import BenchFault, Nonconformant, NotReached
from ..hands import Hand
from ..line import Way
from ..station import Session, Station, read_hello
from .legible import Pins, read
from .substitutes import Paired, Substitutes
from .trace import Event, Recording, What

_MESSAGES = {message.method: message for message in MESSAGES.values()}
_OK = "ok"
_PAIRINGS = (PAIR_COMMIT.method, UNPAIR.method)
_LARGEST_OPERATION = 0xFFFFFFFF
_NEVER_THE_SAME = frozenset(
    {
        *("time", "battery", "bolt", "door", "first", "last", "records"),
        *("operation", "fingerprint", "response", "peer_id"),
        *("lock_id", "model", "serial", "firmware_version", "min_version", "max_version"),
    }
)
_PLAIN = ("granted", "denial", "pin_id", "id", "list_version", "used", "clock", "jammed", "capacity", "max_frame")
"""Fields whose values a difference tells; others may hold digits."""
_HANDS = {"enter": Hand.KEYPAD, "power_cycle": Hand.POWER, "advance": Hand.CLOCK, "show": Hand.CLOCK,
          "block_bolt": Hand.BOLT, "set_battery": Hand.BATTERY}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An answer that is another one now; `seconds` since the recording began."""

    seconds: float
    message: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.seconds:13.6f}  {self.message} was answered {self.then}, and now {self.now}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to."""

    sent: int
    left_out: int
    differences: tuple[Difference, ...]
    cut: str | None = None
    """Why the recording ends before its end."""

    @property
    def exit_code(self) -> int:
        """0 where all answers are the same, otherwise 1."""
        return 1 if self.differences else 0

    def must_agree(self) -> None:
        """Raise Nonconformant where an answer is another one."""
        if self.differences:
            raise Nonconformant("\n".join([str(self), *map(str, self.differences)]))

    def __str__(self) -> str:
        many = len(self.differences)
        came = f"{many} answer{'s differ' if many > 1 else ' differs'}" if many else "all answers are the same"
        left = f" Left out, because it cannot be repeated: {self.left_out}." if self.left_out else ""
        cut = f" {self.cut}" if self.cut else ""
        return f"Repeated: {self.sent} requests and hands; {came}.{left}{cut}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A request with its answer, a hand, or, where `then` is None, the beginning of a session."""

    event: Event
    then: Event | None = None


async def replay(recording: Recording, station: Station) -> Replayed:
    """Repeat a recording at a lock that knows the station, and has no pins.

    Raises BenchFault where nothing can be repeated, or a hand fails.
    """
    steps = list(_steps(recording.events))
    if not any(step.then and step.then.what is What.ANSWER for step in steps):
        raise BenchFault("The recording holds no request of a bench's with its answer: there is nothing to repeat.")
    player = _Player(recording, station)
    for step in steps:
        try:
            await player.play(step)
        except (LookupError, TypeError, AttributeError):
            raise BenchFault(
                f"The recording cannot be repeated from {step.event.name or 'a hello'} on: it does not tell what this "
                "version needs for it."
            ) from None
    await station.close()
    return Replayed(
        sent=player.sent, left_out=player.left_out, differences=tuple(player.differences), cut=recording.cut
    )


async def make_ready(station: Station) -> None:
    """Pair with a lock, clear its pins and set its clock.

    Raises NotReached where nothing answers, BenchFault where no hand can open the pairing window that is closed.
    """
    try:
        line = await station.connect()
        hello = station.hello(Mode.PAIR)
        await line.send(hello)
        answer = await line.hear()
        await line.close()
        if answer is None:
            raise NotReached("Nothing answers at the target: see that the lock has power, and that no cable is loose.")
        is_open = HelloFlag.PAIRING_OPEN in read_hello(answer, hello).flags
        if Hand.BUTTON not in station.hands.able and not is_open:
            raise BenchFault("The lock's pairing window is closed: hold its button until it opens, then try again.")
        await (station.make_known() if Hand.BUTTON in station.hands.able else station.become_known())
        await (await station.begin()).line.close()
    except LinkLost:
        raise NotReached("The lock has ended the link before the replay could begin. Try again.") from None


def _steps(events: tuple[Event, ...]) -> Iterator[_Step]:
    waiting: dict[tuple[int | None, str], Event] = {}
    pairing = False
    for event in events:
        key = (event.counter, event.name)
        if event.what is What.HELLO and event.way is Way.TO_LOCK and event.fields.get("mode") == "session":
            waiting.clear()
            yield _Step(event=event)
        elif event.what is What.HAND:
            yield _Step(event=event, then=event)
        elif event.what is What.HANDSHAKE and event.way is Way.TO_LOCK:
            pairing = event.counter == 1
        elif event.what is What.REQUEST and event.counter is not None and not pairing:
            waiting[key] = event
        elif event.what is What.ANSWER and key in waiting:
            yield _Step(event=waiting.pop(key), then=event)


class _Player:
    """Repeats step after step."""

    def __init__(self, recording: Recording, station: Station) -> None:
        self.sent = 0
        self.left_out = 0
        self.differences: list[Difference] = []
        self._began = recording.start
        self._station = station
        self._session: Session | None = None
        self._substitutes = Substitutes(recording.events, station.random)
        self._ids = Paired()
        self._versions = Paired()
        self._zone_known = False
        self._shift: int | None = None
        """What makes of an operation id the one for now."""

    async def play(self, step: _Step) -> None:
        """Repeat one step, and note where it comes to something else."""
        if step.then is None:
            self._session = None
            await self._station.close()  # a lock takes few links at a time
        elif step.event.what is What.HAND:
            await self._do(step.event)
        else:
            await self._ask(step.event, step.then)

    async def _ask(self, event: Event, then: Event) -> None:
        try:
            session = self._session = self._session or await self._station.open()
            request = self._request(event, session)
            if request is None:
                self.left_out += 1
                return
            self.sent += 1
            answer = await session.ask(request)
        except (Nonconformant, LinkLost) as failure:
            self._session = None
            await self._station.close()
            self._differ(then, _answer(then.status, then.fields), f"not at all ({str(failure).rstrip('.')})")
            return
        fields = Pins(show=True).fields(answer)
        status = fields.pop("status") if isinstance(answer, Refusal) else _OK
        self._compare(then, status, {name: value for name, value in fields.items() if value is not None})

    def _compare(self, then: Event, status: str, now: Mapping[str, Any]) -> None:
        if status != then.status:
            self._differ(then, _answer(then.status, then.fields), _answer(status, now))
            return
        if then.name == LAST_OPERATION.method:
            self._shift = now["operation"] - then.fields["operation"]
        if then.name == CLOCK_SET.method and not self._zone_known:
            self._zone_known = True
            self._versions = Paired()  # it has moved the version, or not, by the zone that was there before
        if others := [name for name in {**then.fields, **now} if not self._fits(name, then.fields, now)]:
            self._differ(then, _values(others, then.fields), _values(others, now))

    async def _do(self, event: Event) -> None:
        """Let a hand do again what one has done."""
        fields = dict(event.fields)
        hands, verb = self._station.hands, event.name
        if "failed" in fields or _HANDS.get(verb) not in hands.able:
            self.left_out += 1
            return
        self.sent += 1
        if verb == "enter":
            entry = await hands.enter(self._substitutes.digits(fields.pop("digits")))
            now = {"granted": entry.granted, "denial": entry.denial, "pin_id": entry.pin_id}
            now = {name: value for name, value in now.items() if value is not None}
            if others := [name for name in {**fields, **now} if not self._fits(name, fields, now)]:
                self._differ(event, _values(others, fields), _values(others, now))
        elif verb == "power_cycle":
            await hands.power_cycle()
        elif verb == "advance":
            await hands.advance(fields["seconds"])
        elif verb == "show":
            await hands.show(fields["epoch"])
        elif verb == "block_bolt":
            await hands.block_bolt(blocked=fields["blocked"])
        else:
            await hands.set_battery(fields["percent"])

    def _request(self, event: Event, session: Session) -> Request | None:
        """Return the request for now, None where it cannot be repeated."""
        message = _MESSAGES.get(event.name)
        if message is None or event.name in _PAIRINGS:
            return None
        if self._shift is None and "operation" in event.fields:
            self._shift = next_operation(session.peer.operation) - event.fields["operation"]
        try:
            request: Request = read(message.request, self._renewed(event.fields))
        except ValueError:
            return None
        return request

    def _renewed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        renew: dict[str, Callable[[Any], Any]] = {
            "operation": lambda then: (then + (self._shift or 0) - 1) % _LARGEST_OPERATION + 1,
            "id": self._ids.now,
            "list_version": self._versions.now,
            "entry": self._renewed,
            "digits": self._substitutes.digits,
            "alias": self._substitutes.alias,
        }
        if "list_version" in fields:
            renew["after"] = self._ids.now  # a page of pins; of the audit it is a cursor
        return {name: renew[name](value) if name in renew else value for name, value in fields.items()}

    def _fits(self, name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Return whether a field is what it was, as far as it can repeat itself."""
        if name in _NEVER_THE_SAME:
            return True
        return name in then and name in now and self._same(name, then[name], now[name])

    def _same(self, name: str, then: Any, now: Any) -> bool:
        if isinstance(then, dict) and isinstance(now, dict):
            return all(self._fits(inner, then, now) for inner in {**then, **now})
        if isinstance(then, list) and isinstance(now, list):
            return len(then) == len(now) and all(self._same(name, *pair) for pair in zip(then, now, strict=True))
        if name in ("id", "pin_id"):
            return self._ids.fit(then, now)
        if name == "list_version":
            return self._versions.fit(then, now)
        if name == "digits":
            return bool(now == self._substitutes.digits(then))
        return bool(now == (self._substitutes.alias(then) if name == "alias" else then))

    def _differ(self, event: Event, then: str, now: str) -> None:
        seconds = (event.at - self._began) / 10**9
        self.differences.append(Difference(seconds=seconds, message=event.name, then=then, now=now))


def _answer(status: str, fields: Mapping[str, Any]) -> str:
    return f"{status} {fields['rule']}" if "rule" in fields else status


def _values(names: list[str], fields: Mapping[str, Any]) -> str:
    """Return the fields for people, and of those that may hold digits nothing but the name."""
    shown = (f"{name}={fields[name]}".lower() if name in fields and name in _PLAIN else name for name in names)
    return f"with {', '.join(shown)}"
