"""Ctrl-C and SIGTERM as an event: how a command that stays is ended, tidily and with exit code 0."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def interrupted() -> asyncio.Event:
    """Return an event that Ctrl-C and SIGTERM set from now on, instead of ending the process."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def unless(stopped: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns, or None where the event is set first; then the work is cancelled."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if working.done():
        return await working
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return None
