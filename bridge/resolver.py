"""Asks locks for the outcome of changes that were left without one, for as long as the process lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from .errors import BridgeError
from .journal import Journal
from .records import LockRecord, PairingState

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two tries at silent locks, and between two looks for what other processes have left."""

_log = logging.getLogger(__name__)


class Resolver:
    """Tries at once, then after pauses that double; `left_open` is set whenever there may be something new."""

    def __init__(
        self,
        journal: Journal,
        locks: Callable[[], Awaitable[tuple[LockRecord, ...]]],
        resolve: Callable[[LockRecord], Awaitable[None]],
        left_open: asyncio.Event,
    ) -> None:
        self._journal = journal
        self._locks = locks
        self._resolve = resolve
        self._left_open = left_open

    async def run(self) -> None:
        """Resolve until cancelled."""
        pause = FIRST_PAUSE
        while True:
            left = await self._try_all()
            if await self._woken(pause if left else LONGEST_PAUSE):
                await asyncio.sleep(FIRST_PAUSE)
                pause = FIRST_PAUSE
            else:
                pause = min(2 * pause, LONGEST_PAUSE) if left else FIRST_PAUSE

    async def _try_all(self) -> bool:
        """Ask every lock that has something open; say whether any could not be asked."""
        try:
            open_at = await self._journal.unresolved_locks()
            locks = [lock for lock in await self._locks() if lock.wire_id in open_at]
        except BridgeError as error:
            _log.warning("Whether changes are left without an outcome cannot be learned. %s", error)
            return True
        paired = [lock for lock in locks if lock.state is PairingState.PAIRED]
        return not all(await asyncio.gather(*map(self._try, paired)))

    async def _try(self, lock: LockRecord) -> bool:
        try:
            await self._resolve(lock)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return False  # not this was ended, but the lock's owner, for its record has changed
        except (BridgeError, OSError) as error:  # silent, out of reach, in another process's hands: its time comes
            _log.info("What became of a change at %s is not known yet. %s", lock.name, error)
            return False
        return True

    async def _woken(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left_open.wait()
        woken = self._left_open.is_set()
        self._left_open.clear()
        return woken
