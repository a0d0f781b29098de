"""One open link to a lock, by frames: what a conformance test says there, and what it hears, to the last byte."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Protocol, TypeGuard

from bridge.errors import LinkLost
from bridge.links import Link
from protocol.framing import DELIMITER, Damage, Frame, FrameDecoder, Kind, encode_frame, encoded_bound
from protocol.version import LARGEST_MAX_FRAME

from .errors import Nonconformant


class Way(StrEnum):
    """Which way something travelled."""

    TO_LOCK = "to lock"
    FROM_LOCK = "from lock"


Opener = Callable[[Way, Frame], bytes | None]
"""Returns what is sealed in a frame, None where it cannot tell."""


Body = Callable[[], bytes | None]
"""Opens the body of a frame that was sealed, now or later; None where nobody can. It may hold digits."""


def unopened() -> None:
    """Open nothing."""


class Ear(Protocol):
    """Is told of everything that passes between bench and lock."""

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Take bytes of the stream, of a lock's those of one frame with its delimiters, and what opens its body.

        The bytes may be damaged, or what the link has ended with.
        """
        ...

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Take what a hand has done at the lock, and what came of it; `told["digits"]` are those of a pin."""
        ...


class Deaf:
    """An ear that hears nothing."""

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Take it, and forget it."""

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Take it, and forget it."""


class Ears:
    """Several ears, told one after another."""

    def __init__(self, *ears: Ear) -> None:
        self._ears = ears

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Tell each of them."""
        for ear in self._ears:
            ear.frame(way, data, body)

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Tell each of them."""
        for ear in self._ears:
            ear.hand(verb, told)


class Cutter:
    """Cuts a stream behind each delimiter. Holds at most one piece, of what is longer than any frame its beginning."""

    _BOUND = encoded_bound(LARGEST_MAX_FRAME) + 1

    def __init__(self) -> None:
        self._piece = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return each piece that `data` completes, between two delimiters; empty ones mean nothing (SPEC 3)."""
        *ended, rest = data.split(DELIMITER)
        found = [piece for tail in ended if (piece := self._ended(tail))]
        self._append(rest)
        return [DELIMITER + piece + DELIMITER for piece in found]

    @property
    def waiting(self) -> bytes:
        """What has no end so far."""
        return bytes(self._piece)

    def rest(self) -> bytes:
        """Return what has no end, and forget it."""
        return self._ended(b"")

    def _ended(self, tail: bytes) -> bytes:
        self._append(tail)
        piece = bytes(self._piece)
        self._piece.clear()
        return piece

    def _append(self, tail: bytes) -> None:
        self._piece += tail[: self._BOUND - len(self._piece)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: `answer` is what an answer may take, `quiet` after what a lock that says nothing is taken as silent."""

    answer: float
    quiet: float


class Pace:
    """Waits where a lock would refuse: one answers five hellos and sends ten refusals in ten seconds (SPEC 4.8).

    It is for benches without a hand at the clock; where there is one, the suite lets the time pass. One hello is left
    to whoever looks whether the lock is there.
    """

    HELLOS, REFUSALS, SECONDS = 4, 9, 10.5

    def __init__(self) -> None:
        self._hellos: deque[float] = deque()
        self._refusals: deque[float] = deque()

    async def before(self, kind: Kind) -> None:
        """Wait until a frame of this kind can be sent."""
        await self._room(self._refusals, self.REFUSALS)
        if kind is Kind.HELLO_REQUEST:
            await self._room(self._hellos, self.HELLOS)
            self._hellos.append(asyncio.get_running_loop().time())

    def after(self, kind: Kind) -> None:
        """Take what the lock has sent."""
        if kind is Kind.REFUSED:
            self._refusals.append(asyncio.get_running_loop().time())

    async def _room(self, times: deque[float], most: int) -> None:
        now = asyncio.get_running_loop().time()
        while times and now - times[0] >= self.SECONDS:
            times.popleft()
        if len(times) >= most:
            await asyncio.sleep(times[0] + self.SECONDS - now)
            times.popleft()


class Line:
    """A link that is open."""

    def __init__(self, link: Link, patience: Patience, ear: Ear, pace: Pace | None = None) -> None:
        self.link = link
        self._pace = pace
        self._patience = patience
        self._ear = ear
        self._cutter = Cutter()
        self.opener: Opener = _sealed
        """Opens for the ear what the last session on this line has sealed."""
        self._frames: deque[Frame] = deque()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was given back, or is known to be lost, as a port is whose lock has no power."""
        return self._closed or self.link.lost

    async def say(self, data: bytes) -> None:
        """Put bytes on the stream, whatever they are; raise LinkLost."""
        frame = read_frame(data)
        if self._pace and isinstance(frame, Frame):
            await self._pace.before(frame.kind)
        sealed = self.opener(Way.TO_LOCK, frame) if _is_sealed(frame) else None  # it is known for a while only
        self._ear.frame(Way.TO_LOCK, data, lambda: sealed)
        await self.link.write(data)

    async def send(self, frame: Frame) -> None:
        """Put one frame on the stream."""
        await self.say(encode_frame(frame, max_frame=LARGEST_MAX_FRAME))

    async def ask(self, frame: Frame) -> Frame:
        """Send a frame and return the next that the lock sends; raise Nonconformant where there is none in time."""
        await self.send(frame)
        answer = await self.hear()
        if answer is None:
            late = f"The lock did not answer {frame.kind.name} within {self._patience.answer:g} s."
            raise Nonconformant(f"{late}{self._noise()}")
        return answer

    async def hear(self, seconds: float | None = None) -> Frame | None:
        """Return the next frame, None where none comes within `seconds` or the patience of an answer.

        Raises Nonconformant where the lock sends what is no frame, and LinkLost where the link ends.
        """
        try:
            async with asyncio.timeout(self._patience.answer if seconds is None else seconds):
                while not self._frames:
                    self._take(await self.link.read())
        except TimeoutError:
            return None
        return self._frames.popleft()

    async def stays_silent(self) -> None:
        """See that the lock says nothing now; raise Nonconformant with what it says."""
        if (frame := await self.hear(self._patience.quiet)) is not None:
            raise Nonconformant(f"The lock sent {frame.kind.name} where it has to be silent.")
        if noise := self._noise():
            raise Nonconformant(f"The lock has to be silent.{noise}")

    def _noise(self) -> str:
        """Return what to tell of bytes that came and are no frame so far."""
        waiting = self._cutter.waiting
        return f" It sent {len(waiting)} bytes that are no frame: {waiting[:24].hex(' ')} …" if waiting else ""

    async def ends(self) -> bool:
        """Return whether the lock ends the link within the patience of an answer."""
        try:
            async with asyncio.timeout(self._patience.answer):
                while True:
                    self._take(await self.link.read())
        except TimeoutError:
            return False
        except LinkLost:
            return True

    async def close(self) -> None:
        """Give the link back."""
        if not self._closed and (rest := self._cutter.rest()):
            self._ear.frame(Way.FROM_LOCK, rest)
        self._closed = True
        await self.link.close()

    def _take(self, data: bytes) -> None:
        pieces = self._cutter.feed(data)
        frames = list(map(read_frame, pieces))
        for piece, frame in zip(pieces, frames, strict=True):
            body = partial(self.opener, Way.FROM_LOCK, frame) if _is_sealed(frame) else unopened
            self._ear.frame(Way.FROM_LOCK, piece, body)
        for frame in frames:
            if isinstance(frame, Damage):
                raise Nonconformant(f"The lock sent a damaged frame ({frame.value}).")
            self._frames.append(frame)
            if self._pace:
                self._pace.after(frame.kind)


def _is_sealed(frame: Frame | Damage) -> TypeGuard[Frame]:
    return isinstance(frame, Frame) and frame.kind is Kind.TRANSPORT


def read_frame(data: bytes) -> Frame | Damage:
    """Return the frame that bytes of a stream hold, or what is wrong with them; of several, the first."""
    found = FrameDecoder(LARGEST_MAX_FRAME).feed(data + DELIMITER)
    return found[0] if found else Damage.SHORT


def _sealed(way: Way, frame: Frame) -> None:
    del way, frame
