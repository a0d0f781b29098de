"""Work that is finished once it has begun: what is cut off in between keeps a lock or a connection for long."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def finishing(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let whoever is cancelled while it waits for `work` be so after that has ended, as well or badly as it may."""

    @wraps(work)
    async def finished(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(work(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody is left to be told
            raise

    return finished


_CANCEL_SECONDS = 0.1
_left_behind: set[asyncio.Future[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, Any]) -> None:
    """Wait for `work`, which may end as badly as it likes, and cancel it when its time is over.

    One that does not end even then is left behind, for what it waits for may never come.
    """
    task = asyncio.ensure_future(work)
    _left_behind.add(task)  # asyncio alone would forget it
    task.add_done_callback(_forget)
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.wait({task}, timeout=_CANCEL_SECONDS)


def _forget(task: asyncio.Future[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # nobody is left to be told
