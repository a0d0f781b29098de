"""Doubles of a link: each wraps a real one and misbehaves in the one way that its name says.

All of them keep what the bridge wrote and what the lock said, so that a test sees which frames were sent, and that a
retransmission is the same bytes. Where a double decides, it does so for whole frames, by the `Random` it was given.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Container, Sequence
from random import Random

from bridge.errors import LinkLost
from bridge.links import Link
from bridge.links.base import Inbox
from protocol.framing import Frame, FrameDecoder, Kind

_FRAME = re.compile(rb"\x00[^\x00]+\x00")


def luck(seed: int) -> Random:
    """Return a source of chance that repeats itself."""
    return Random(seed)  # noqa: S311  a failure must be repeatable


def frames_of(written: Sequence[bytes]) -> list[Frame]:
    """Return the frames in what was written."""
    decoder = FrameDecoder()
    return [piece for data in written for piece in decoder.feed(data) if isinstance(piece, Frame)]


class Whole:
    """Carries everything as it is. The others change what becomes of a frame on its way out or in."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unread = b""
        self._arrived: deque[bytes] = deque()
        self.ack_timeout = link.ack_timeout
        self.bytes_per_second = link.bytes_per_second
        self.written: list[bytes] = []
        self.heard: list[bytes] = []

    @property
    def lost(self) -> bool:
        return self._link.lost

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        for piece in self.outward(data):
            await self._link.write(piece)

    async def read(self) -> bytes:
        while not self._arrived:
            self._unread += await self._link.read()
            end = 0
            for found in _FRAME.finditer(self._unread):
                self.heard.append(found.group())
                self._arrived += self.inward(found.group())
                end = found.end()
            self._unread = self._unread[end:]
        return self._arrived.popleft()

    async def close(self) -> None:
        await self._link.close()

    def outward(self, frame: bytes) -> Sequence[bytes]:
        """Return what reaches the lock in place of a frame of the bridge."""
        return [frame]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        """Return what the bridge reads in place of a frame of the lock, one item in each read."""
        return [frame]


class ByteAtATime(Whole):
    """Hands over single bytes."""

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [bytes([byte]) for byte in frame]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [bytes([byte]) for byte in frame]


class Dead(Whole):
    """Swallows everything, the lock's end of the link included."""

    lost = False

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def read(self) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError


class Babbling(Dead):
    """Swallows everything, and makes noise."""

    async def read(self) -> bytes:
        await asyncio.sleep(0.2)
        return b"\x05noise\x00"


class Deaf(Whole):
    """Loses the answers of some kinds; `kinds` may change while it is open."""

    kinds: Container[Kind] = ()

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [] if frames_of([frame])[0].kind in self.kinds else [frame]


class Losing(Whole):
    """Loses the requests and the answers with these numbers, counted from 0 in each direction."""

    def __init__(self, link: Link, *, requests: Container[int] = (), answers: Container[int] = ()) -> None:
        super().__init__(link)
        self._requests = requests
        self._answers = answers

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [] if len(self.written) - 1 in self._requests else [frame]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [] if len(self.heard) - 1 in self._answers else [frame]


class Lossy(Whole):
    """Loses frames by chance, `outgoing` and `incoming` of each direction."""

    def __init__(self, link: Link, chance: Random, *, outgoing: float = 0.25, incoming: float = 0.25) -> None:
        super().__init__(link)
        self._chance = chance
        self._outgoing = outgoing
        self._incoming = incoming

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [] if self._chance.random() < self._outgoing else [frame]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [] if self._chance.random() < self._incoming else [frame]


class Duplicating(Whole):
    """Delivers every frame twice."""

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [frame, frame]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [frame, frame]


class Coalescing(Whole):
    """Glues each frame, noise and the frame once more into one string."""

    def __init__(self, link: Link, chance: Random) -> None:
        super().__init__(link)
        self._chance = chance

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [self._glued(frame)]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [self._glued(frame)]

    def _glued(self, frame: bytes) -> bytes:
        return frame + self._chance.randbytes(self._chance.randrange(40)) + frame


class Reordering(Whole):
    """Holds frames back by chance, each until the next one has passed."""

    def __init__(self, link: Link, chance: Random) -> None:
        super().__init__(link)
        self._chance = chance
        self._held: dict[str, list[bytes]] = {"outward": [], "inward": []}

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return self._turned_round("outward", frame)

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return self._turned_round("inward", frame)

    def _turned_round(self, direction: str, frame: bytes) -> Sequence[bytes]:
        held = self._held[direction]
        if not held and self._chance.random() < 0.4:
            held.append(frame)
            return []
        self._held[direction] = []
        return [frame, *held]


class Corrupting(Whole):
    """Flips one bit of some frames."""

    def __init__(self, link: Link, chance: Random) -> None:
        super().__init__(link)
        self._chance = chance

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [self._hit(frame)]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [self._hit(frame)]

    def _hit(self, frame: bytes) -> bytes:
        if self._chance.random() < 0.7:
            return frame
        hit = bytearray(frame)
        hit[self._chance.randrange(len(hit))] ^= 1 << self._chance.randrange(8)
        return bytes(hit)


class Truncating(Whole):
    """Cuts some frames short, and now and then takes all of one."""

    def __init__(self, link: Link, chance: Random) -> None:
        super().__init__(link)
        self._chance = chance

    def outward(self, frame: bytes) -> Sequence[bytes]:
        return [self._cut(frame)]

    def inward(self, frame: bytes) -> Sequence[bytes]:
        return [cut] if (cut := self._cut(frame)) else []

    def _cut(self, frame: bytes) -> bytes:
        return frame if self._chance.random() < 0.7 else frame[: self._chance.randrange(len(frame))]


class Delayed(Whole):
    """Carries everything, each way `seconds` later."""

    def __init__(self, link: Link, seconds: float) -> None:
        super().__init__(link)
        self._seconds = seconds
        self._inbox = Inbox()
        self._carriers = {asyncio.create_task(self._carry_in())}

    @property
    def lost(self) -> bool:
        return self._inbox.lost

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        carrier = asyncio.create_task(self._carry_out(data))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def read(self) -> bytes:
        return await self._inbox.get("The delayed link was lost.")

    async def close(self) -> None:
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)
        self._inbox.lose()
        await super().close()

    async def _carry_out(self, data: bytes) -> None:
        await asyncio.sleep(self._seconds)
        await self._link.write(data)

    async def _carry_in(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                loop.call_later(self._seconds, self._inbox.put, await self._link.read())
        except LinkLost:
            loop.call_later(self._seconds, self._inbox.lose)


class Cut(Whole):
    """Breaks for good once `may_write` more bytes have gone out, or `may_read` more have come in."""

    may_write: int | None = None
    may_read: int | None = None

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        allowed = data[: self.may_write]
        await self._link.write(allowed)
        if self.may_write is not None:
            self.may_write -= len(allowed)
        if len(allowed) < len(data):
            await self._break()

    async def read(self) -> bytes:
        if self.may_read == 0:
            await self._break()
        data = (await super().read())[: self.may_read]
        if self.may_read is not None:
            self.may_read -= len(data)
        return data

    async def _break(self) -> None:
        await self._link.close()
        raise LinkLost("The link was cut.")


Double = Callable[[Link, Random], Whole]

DOUBLES: dict[str, Double] = {
    "whole": lambda link, _: Whole(link),
    "byte at a time": lambda link, _: ByteAtATime(link),
    "lossy": Lossy,
    "losing requests": lambda link, chance: Lossy(link, chance, incoming=0),
    "losing answers": lambda link, chance: Lossy(link, chance, outgoing=0),
    "duplicating": lambda link, _: Duplicating(link),
    "coalescing": Coalescing,
    "reordering": Reordering,
    "corrupting": Corrupting,
    "truncating": Truncating,
    "delayed": lambda link, _: Delayed(link, 0.1),
    "delayed beyond patience": lambda link, _: Delayed(link, 0.4),
}
"""Those through which everything comes to its end, sooner or later."""
