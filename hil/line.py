"""One open link to a lock, by frames: what a conformance test says there, and what it hears, to the last byte."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import LinkLost
from bridge.links import Link
from protocol.framing import Damage, Frame, FrameDecoder, encode_frame
from protocol.version import LARGEST_MAX_FRAME

from .errors import Nonconformant


class Way(StrEnum):
    """Which way something travelled."""

    TO_LOCK = "to lock"
    FROM_LOCK = "from lock"


Tap = Callable[[Way, bytes], None]
"""Is told of each frame as it was on the stream, delimiters included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: `answer` is what an answer may take, `quiet` after what a lock that says nothing is taken as silent."""

    answer: float
    quiet: float


class Line:
    """A link that is open."""

    def __init__(self, link: Link, patience: Patience, tap: Tap) -> None:
        self.link = link
        self._patience = patience
        self._tap = tap
        self._decoder = FrameDecoder(LARGEST_MAX_FRAME)
        self._frames: deque[Frame] = deque()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was given back, or is known to be lost, as a port is whose lock has no power."""
        return self._closed or self.link.lost

    async def say(self, data: bytes) -> None:
        """Put bytes on the stream, whatever they are; raise LinkLost."""
        self._tap(Way.TO_LOCK, data)
        await self.link.write(data)

    async def send(self, frame: Frame) -> None:
        """Put one frame on the stream."""
        await self.say(encode_frame(frame, max_frame=LARGEST_MAX_FRAME))

    async def ask(self, frame: Frame) -> Frame:
        """Send a frame and return the next that the lock sends; raise Nonconformant where there is none in time."""
        await self.send(frame)
        answer = await self.hear()
        if answer is None:
            raise Nonconformant(f"The lock did not answer {frame.kind.name} within {self._patience.answer:g} s.")
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
        self._closed = True
        await self.link.close()

    def _take(self, data: bytes) -> None:
        for piece in self._decoder.feed(data):
            if isinstance(piece, Damage):
                raise Nonconformant(f"The lock sent a damaged frame ({piece.value}).")
            self._tap(Way.FROM_LOCK, encode_frame(piece, max_frame=LARGEST_MAX_FRAME))
            self._frames.append(piece)
