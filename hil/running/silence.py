"""What ends a suite that makes no sense any more: a lock that has fallen silent, or a total time that is over."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from ..errors import BenchFault
from ..line import Body, Way, unopened

T = TypeVar("T")
SILENT_TESTS = 3
"""How many tests in a row the lock may leave without a single byte before the others are not run."""


class Silence:
    """Counts the tests in a row that have asked the lock something and heard nothing at all."""

    def __init__(self) -> None:
        self.asked = False
        self.heard = False
        self._silent: list[str] = []

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Hear that something was asked, or that the lock has said something, whatever it is."""
        del data, body
        if way is Way.TO_LOCK:
            self.asked = True
        else:
            self.heard = True

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Take no notice of hands."""

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
