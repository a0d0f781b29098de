"""Whether a lock answers a hello now, asked over a link of its own: without a key, a label or a pairing."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bridge.errors import BridgeError, Obstacle, Unreachable
from bridge.finishing import finishing
from bridge.links import Link
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame
from protocol.messages.hello import Mode
from protocol.session import hello_request
from protocol.version import LARGEST_MAX_FRAME

from ..errors import BenchFault

LONGEST_LOOK = 30.0
"""Seconds that one look may take, a search for a Bluetooth lock that is gone included."""
_TRANSMISSIONS = 2
"""How often a hello is said: one that is lost on its way must not look like a lock without power."""
_SAME_SECONDS = 8.0
"""How long one hello is said again: a lock answers the same bytes without counting them, for ten seconds (SPEC 4.8)."""
_ANSWERS = (Kind.HELLO_RESPONSE, Kind.REFUSED)
_REFUSED_PAUSE = 1.5
"""Seconds that a look takes at least where it was refused: a lock refuses ten times in ten seconds, then is silent."""


class Presence:
    """Opens the links to one lock, for everybody, and tells whether the lock answers.

    Where there can be one link alone (`single`), a look takes the one that is open away: its users see it lost.
    """

    def __init__(self, connect: Callable[[], Awaitable[Link]], *, single: bool, answer: float) -> None:
        self._connect = connect
        self._single = single
        self._answer = answer
        self._open: list[Link] = []
        self.reason = ""
        """Why the last look has seen nobody, as a sentence."""
        self._hello = _new_hello()
        self._hello_until = 0.0

    async def connect(self) -> Link:
        """Open a link, as the function does from which this was made."""
        self._open = [link for link in self._open if not link.lost]
        link = await self._connect()
        self._open.append(link)
        return link

    async def __call__(self) -> bool:
        """Return whether the lock answers a hello now; raise BenchFault where that cannot be seen."""
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                await self._look()
        except (BridgeError, BenchFault) as error:
            self.reason = str(error)
            if _is_in_the_way(error):
                raise BenchFault(f"Whether the lock has power cannot be seen. {error}") from None
        except TimeoutError:
            self.reason = f"No link to the lock could be opened within {LONGEST_LOOK:g} s."
        else:
            return True
        return False

    async def _look(self) -> None:
        if self._single:
            links, self._open = self._open, []
            for link in links:
                await _closed(link)
        link = await self._connect()
        try:
            await self._greet(link)
        finally:
            await _closed(link)

    async def _greet(self, link: Link) -> None:
        hello, decoder = self._current_hello(), FrameDecoder(LARGEST_MAX_FRAME)
        for _ in range(_TRANSMISSIONS):
            await link.write(encode_frame(hello, max_frame=LARGEST_MAX_FRAME))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._answer / _TRANSMISSIONS):
                    kind = await _answer(link, decoder, hello)
                if kind is Kind.REFUSED:
                    await asyncio.sleep(_REFUSED_PAUSE)
                return
        raise BenchFault(f"The lock did not answer a hello within {self._answer:g} s.")

    def _current_hello(self) -> Frame:
        now = asyncio.get_running_loop().time()
        if now >= self._hello_until:
            self._hello, self._hello_until = _new_hello(), now + _SAME_SECONDS
        return self._hello


def _new_hello() -> Frame:
    return hello_request(Mode.SESSION, secrets.randbits(32), secrets.randbits(32))


async def _answer(link: Link, decoder: FrameDecoder, hello: Frame) -> Kind:
    """Return how the lock answers a hello; one that refuses it is there as well."""
    while True:
        for piece in decoder.feed(await link.read()):
            if isinstance(piece, Frame) and piece.counter == hello.counter and piece.kind in _ANSWERS:
                return piece.kind


def _is_in_the_way(error: BaseException | None) -> bool:
    """Whether it was somebody else's port, which may have a lock behind it that has power."""
    if isinstance(error, Unreachable):
        return error.obstacle in (Obstacle.BUSY, Obstacle.FORBIDDEN)
    return error is not None and _is_in_the_way(error.__context__)


@finishing
async def _closed(link: Link) -> None:
    await link.close()
