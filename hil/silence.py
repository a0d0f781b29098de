"""What ends a suite that makes no sense any more: a lock that has fallen silent, or a total time that is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from bridge.links import Link

from .errors import BenchFault

T = TypeVar("T")
SILENT_TESTS = 3
"""How many tests in a row the lock may leave without a single byte before the others are not run."""


class Listened:
    """A link that tells `silence` of what passes."""

    def __init__(self, link: Link, silence: "Silence") -> None:
        self._link = link
        self._silence = silence
        self.ack_timeout = link.ack_timeout
        self.bytes_per_second = link.bytes_per_second

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._link.lost

    async def write(self, data: bytes) -> None:
        """Put bytes on the link."""
        self._silence.asked = True
        await self._link.write(data)

    async def read(self) -> bytes:
        """Return the next bytes."""
        data = await self._link.read()
        self._silence.heard = True
        return data

    async def close(self) -> None:
        """Give the transport back."""
        await self._link.close()


class Silence:
    """Counts the tests in a row that have asked the lock something and heard nothing at all."""

    def __init__(self) -> None:
        self.asked = False
        self.heard = False
        self._silent: list[str] = []

    def listen(self, connect: Callable[[], Awaitable[Link]]) -> Callable[[], Awaitable[Link]]:
        """Return what opens links as `connect` does, and hears them."""

        async def listened() -> Link:
            return Listened(await connect(), self)

        return listened

    def begin(self) -> None:
        """Begin a test; raise BenchFault where the lock has fallen silent before."""
        if len(self._silent) >= SILENT_TESTS:
            raise BenchFault(
                f"Not run: the lock has fallen silent since {self._silent[0]}. Has it power, and is the cable in? "
                "If so, its firmware hangs: that test is where to look."
            )
        self.asked = self.heard = False

    def end(self, test: str) -> None:
        """End a test."""
        if self.heard:
            self._silent.clear()
        elif self.asked:
            self._silent.append(test)


class TotalTime:
    """The seconds that a whole run may take, counted from here."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def require(self) -> None:
        """Raise BenchFault where it is over."""
        if time.monotonic() >= self._end:
            raise BenchFault(f"Not run: total time is over ({self._seconds:g} s, --lock-total gives more).")

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` does; raise BenchFault where the time is over before it is done."""
        limit = asyncio.timeout(max(0, self._end - time.monotonic()))
        try:
            async with limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            raise BenchFault(f"Cut off: total time is over ({self._seconds:g} s, --lock-total gives more).") from None
