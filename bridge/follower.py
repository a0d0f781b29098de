"""Follows locks while the process lives: looks at each a moment after it was used, and else lets it sleep for long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from .config import Settings
from .errors import BridgeError, NotRegistered
from .knowledge import Knowledge
from .records import LockRecord, PairingState

SETTLING = 3.0
"""Seconds from a use to the look at what came of it: a bolt has arrived by then, and the link is still open."""
LONGEST_WAY = 15.0
"""Seconds after which a bolt that has not arrived is given up: it must not keep its lock awake."""
NEW_LOCKS = 60.0
"""Seconds between two looks for locks that another process has paired."""

_log = logging.getLogger(__name__)


class Follower:
    """One task a lock; `look` asks one and says whether its bolt is still on its way."""

    def __init__(
        self,
        knowledge: Knowledge,
        locks: Callable[[], Awaitable[tuple[LockRecord, ...]]],
        lock: Callable[[int], Awaitable[LockRecord]],
        look: Callable[[LockRecord], Awaitable[bool]],
        settings: Settings,
    ) -> None:
        self._knowledge = knowledge
        self._locks = locks
        self._lock = lock
        self._look = look
        self._visit = settings.visit
        self._settling = min(SETTLING, settings.idle / 2)

    async def run(self) -> None:
        """Follow all locks until cancelled."""
        followed: dict[int, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                followed = {lock_id: task for lock_id, task in followed.items() if not task.done()}
                for lock in await self._paired():
                    if lock.id not in followed:
                        followed[lock.id] = group.create_task(self._follow(lock))
                await asyncio.sleep(NEW_LOCKS)

    async def _paired(self) -> list[LockRecord]:
        try:
            return [lock for lock in await self._locks() if lock.state is PairingState.PAIRED]
        except BridgeError as error:
            _log.warning("Which locks there are cannot be learned. %s", error)
            return []

    async def _follow(self, lock: LockRecord) -> None:
        """Look at one lock for as long as it is paired."""
        pause = await self._left_to_sleep(lock)
        use = self._knowledge.use(lock.id)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await use.wait()
                    await asyncio.sleep(self._settling)
            use.clear()
            renewed = await self._renewed(lock)
            if renewed is None:
                return
            lock, pause = renewed, self._visit
            await self._look_until_at_rest(lock)

    async def _left_to_sleep(self, lock: LockRecord) -> float:
        """Return for how long a lock is still to be left alone since it was last read, by whichever process."""
        try:
            last = await self._knowledge.last_look(lock)
        except BridgeError:
            last = None
        slept = self._visit if last is None else (self._knowledge.now() - last).total_seconds()
        return min(max(self._visit - slept, 0), self._visit)

    async def _renewed(self, lock: LockRecord) -> LockRecord | None:
        """Return the lock's record as it is now, None where it is paired no more."""
        try:
            lock = await self._lock(lock.id)
        except NotRegistered:
            return None
        except BridgeError as error:
            _log.warning("Whether the lock %s has another target cannot be learned. %s", lock.name, error)
        return lock if lock.state is PairingState.PAIRED else None

    async def _look_until_at_rest(self, lock: LockRecord) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_WAY
        while await self._looked(lock):
            if loop.time() >= until:
                break
            await asyncio.sleep(self._settling)

    async def _looked(self, lock: LockRecord) -> bool:
        try:
            return await self._look(lock)
        except BridgeError as error:  # silent, out of reach, in another process's hands: its time comes
            _log.info("What happened at %s is not known yet. %s", lock.name, error)
            return False
