"""What lets an ear hear more than bytes: a session that tells what it has sealed, and hands that tell what they do."""

from collections.abc import Iterator
from contextlib import contextmanager

from protocol.errors import AuthenticationError
from protocol.framing import Frame
from protocol.noise import Ciphers
from protocol.session import BridgeSession

from .hands import Entry, FaultTable, Hand, Hands
from .line import Ear, Way

_REMEMBERED = 64
"""Requests whose bodies are known: a test seals a few ahead, or sends an old one again."""


class OpenSession(BridgeSession):
    """The bridge's end of a session, which can tell what is in the frames of both ends."""

    def __init__(self, ciphers: Ciphers, version: int) -> None:
        super().__init__(ciphers, version)
        self._sealed: dict[Frame, bytes] = {}

    def seal(self, body: bytes) -> Frame:
        """Return the frame of the next request; raise MisuseError where the session is spent."""
        frame = super().seal(body)
        self._sealed[frame] = body
        if len(self._sealed) > _REMEMBERED:
            del self._sealed[next(iter(self._sealed))]
        return frame

    @property
    def last(self) -> int:
        """The counter of the last request, -1 before the first."""
        return self._next - 1

    def opened(self, way: Way, frame: Frame) -> bytes | None:
        """Return the body of a frame of this session, None for any other; nothing of the session changes."""
        if way is Way.TO_LOCK:
            return self._sealed.get(frame)
        try:
            return self._ciphers.open(frame.counter, frame.header(), frame.body)
        except AuthenticationError:
            return None


class WatchedHands:
    """Hands whose doings an ear is told of, once they are done or have failed."""

    def __init__(self, hands: Hands, ear: Ear) -> None:
        self._hands = hands
        self._ear = ear
        self.able: frozenset[Hand] = hands.able

    def __getattr__(self, name: str) -> object:
        """Return what these hands have beside what all have, such as a switch for the power."""
        return getattr(self._hands, name)

    async def enter(self, digits: str) -> Entry:
        """Type a pin at the keypad."""
        with self._telling("enter", digits=digits) as told:
            entry = await self._hands.enter(digits)
            came = {"granted": entry.granted, "denial": entry.denial, "pin_id": entry.pin_id}
            told.update({name: value for name, value in came.items() if value is not None})
        return entry

    async def hold_button(self, seconds: float) -> None:
        """Hold the button inside the door."""
        with self._telling("hold_button", seconds=seconds):
            await self._hands.hold_button(seconds)

    async def power_cycle(self) -> None:
        """Take the lock's power away and give it back."""
        with self._telling("power_cycle"):
            await self._hands.power_cycle()

    async def advance(self, seconds: int) -> None:
        """Let time pass, for the lock's clock and for its timers."""
        with self._telling("advance", seconds=seconds):
            await self._hands.advance(seconds)

    async def show(self, epoch: int | None) -> None:
        """Let the lock's clock show a time, or, None, lose it."""
        with self._telling("show", epoch=epoch):
            await self._hands.show(epoch)

    async def block_bolt(self, *, blocked: bool) -> None:
        """Put something in the bolt's way, or take it out."""
        with self._telling("block_bolt", blocked=blocked):
            await self._hands.block_bolt(blocked=blocked)

    async def set_battery(self, percent: int) -> None:
        """Let the battery have so many percent."""
        with self._telling("set_battery", percent=percent):
            await self._hands.set_battery(percent)

    async def strike(self, *plan: FaultTable) -> None:
        """Let faults strike a simulated lock."""
        with self._telling("strike", plan=list(plan)):
            await self._hands.strike(*plan)

    async def mend(self) -> None:
        """Let nothing more fail there."""
        with self._telling("mend"):
            await self._hands.mend()

    @contextmanager
    def _telling(self, verb: str, **told: object) -> Iterator[dict[str, object]]:
        try:
            yield told
        except BaseException as error:
            told["failed"] = str(error) or type(error).__name__
            raise
        finally:
            self._ear.hand(verb, told)
