"""What the bridge knows of locks without asking them, and how it comes to know it: from whatever is asked anyway."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from .activity import Activity, ActivityEntry, read_on
from .client import LockClient
from .engine import Engine
from .errors import AckTimeout, BridgeError, LinkLost, Unreachable
from .records import LockRecord
from .states import UNSETTLED, KnownState, Renewal, States, by_contact, by_info, by_status

_log = logging.getLogger(__name__)


class Knowledge:
    """The stored states and activity, and whom to ask for more.

    That something cannot be stored never spoils the request that it was learned from: it is logged, and told again.
    """

    def __init__(self, engine: Engine, activity: Activity, states: States) -> None:
        self._engine = engine
        self._activity = activity
        self._states = states
        self._reached: dict[int, bool] = {}
        self._uses: dict[int, asyncio.Event] = {}
        self._fresh_until: dict[int, float] = {}

    def now(self) -> datetime:
        """Return the time of the journal, with which what is told here is compared."""
        return datetime.fromtimestamp(self._engine.now(), UTC)

    async def states(self, locks: Iterable[LockRecord]) -> tuple[KnownState, ...]:
        """Return what each lock has last told."""
        ids = [lock.id for lock in locks]
        known = await self._states.states(ids)
        return tuple(known.get(lock_id, KnownState()) for lock_id in ids)

    async def entries(self, lock: LockRecord, count: int, before: datetime | None) -> tuple[ActivityEntry, ...]:
        """Return what happened at the lock, as Activity does."""
        return await self._activity.entries(lock.id, count, before)

    async def last_look(self, lock: LockRecord) -> datetime | None:
        """Return when the lock's audit was last read to its end."""
        return (await self._activity.reading(lock.id)).ended

    async def renew(self, lock: LockRecord, renewal: Renewal) -> None:
        """Remember what a lock has told."""
        try:
            await self._states.renew(lock.id, renewal)
        except BridgeError as error:
            _log.warning("What the lock %s has told was not written down. %s", lock.name, error)

    @asynccontextmanager
    async def contact(self, lock: LockRecord) -> AsyncIterator[None]:
        """Remember whether the lock answers what is asked of it here."""
        try:
            yield
        except (Unreachable, LinkLost, AckTimeout):
            await self._note(lock, reached=False)
            raise
        await self._note(lock, reached=True)

    def used(self, lock: LockRecord) -> None:
        """Let whoever follows the lock know that a caller has asked it for something."""
        self.use(lock.id).set()

    def use(self, lock_id: int) -> asyncio.Event:
        """Return the event that a caller has asked the lock for something; whoever waits for it clears it."""
        return self._uses.setdefault(lock_id, asyncio.Event())

    def is_fresh(self, lock: LockRecord) -> bool:
        """Whether the lock's audit was read to its end so lately that it need not be woken for what may be new."""
        return asyncio.get_running_loop().time() < self._fresh_until.get(lock.id, -math.inf)

    def outdate(self, lock: LockRecord) -> None:
        """Let nobody take the audit that was read for all there is: this bridge has changed the lock, or may have."""
        self._fresh_until.pop(lock.id, None)

    async def look(self, lock: LockRecord) -> bool:
        """Ask what the lock is, how it is and what happened; say whether its bolt is on its way."""
        return await self._engine.visit(lock, self._look, lock)

    async def _look(self, client: LockClient, lock: LockRecord) -> bool:
        asked = asyncio.get_running_loop().time()
        info, status = await client.info(), await client.status()
        now = self.now()
        await self.renew(lock, lambda known: by_status(status, now)(by_info(info, now)(known)))
        await read_on(client.read_audit, self._activity, lock.id, self.now)
        if status.bolt in UNSETTLED:  # how it ends is still to happen
            self.outdate(lock)
            return True
        self._fresh_until[lock.id] = asked + self._engine.settings.fresh
        return False

    async def _note(self, lock: LockRecord, *, reached: bool) -> None:
        """Write only what is new: a commit costs more than a request."""
        if self._reached.get(lock.id) is not reached:
            self._reached[lock.id] = reached
            await self.renew(lock, by_contact(reached=reached))
