"""An event loop in virtual time: it never waits, time jumps to the next timer, and an endless wait is an error."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(AssertionError):
    """Nothing is ready and nothing is scheduled: the code under test would wait for ever."""


class _Selector(selectors.SelectSelector):
    """Looks for ready files without waiting, and counts the wait as time that has passed."""

    passed = 0.0
    last = 10 * 365 * 86_400.0  # a lock's daily timer alone ends no wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and (timeout is None or self.passed > self.last):
            raise Deadlock("nothing is scheduled")
        if not ready and timeout:
            self.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio in virtual time, from 0 s. Threads and sockets of other processes have no place in it."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-6  # the default of 1 ns is lost in a float after some virtual months

    def time(self) -> float:
        return self._virtual.passed

    def now_ns(self) -> int:
        return round(self._virtual.passed * 1_000_000_000)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_loop() -> VirtualLoop:
    """Return the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
