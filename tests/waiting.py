"""A patient wait for what must come, in real time: for tests whose parts are real."""

import asyncio
from collections.abc import Callable

PATIENCE = 20
"""Seconds after which something that must come is taken for lost."""
_PAUSE = 0.002


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(round(PATIENCE / _PAUSE)):
        if condition():
            return
        await asyncio.sleep(_PAUSE)
    raise AssertionError("it never came")
