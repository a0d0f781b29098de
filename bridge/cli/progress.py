"""How far long work has come: one line on stderr, rewritten, and only where a person watches."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

from .context import is_for_people

_CLEAR = "\r\x1b[K"
_BEAT = 1
"""Seconds after which work counts as long, and after which it is shown for how long it has gone on."""


class Progress:
    """Tells of one piece of work: how much of it is done or, as long as nobody knows, how long it has taken."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._counted = self._on_screen = False
        self.shown = is_for_people() and sys.stderr.isatty()

    def tell(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._counted = True
        self._write(f"{self._what}: {done} of {total}")

    def wait(self, seconds: int) -> None:
        """Show that the work has taken so many seconds, unless it is known how much of it is done."""
        if not self._counted:
            self._write(f"{self._what}: {seconds} s")

    def clear(self) -> None:
        """Take the line away."""
        if self._on_screen:
            self._write("")

    def _write(self, text: str) -> None:
        if self.shown:
            sys.stderr.write(_CLEAR + text)
            sys.stderr.flush()
            self._on_screen = True


@asynccontextmanager
async def progress(what: str) -> AsyncIterator[Progress]:
    """Tell how `what` goes on, and leave nothing of it on the screen; what is done within a second shows nothing."""
    telling = Progress(what)
    waiting = asyncio.create_task(_wait(telling)) if telling.shown else None
    try:
        yield telling
    finally:
        if waiting:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        telling.clear()


async def _wait(telling: Progress) -> None:
    for beat in count(1):
        await asyncio.sleep(_BEAT)
        telling.wait(beat * _BEAT)
