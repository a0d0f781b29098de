"""Being forgotten by a lock, in steps that can stop anywhere: an answer that was lost is finished by the next try.

A lock that refuses a session counts as one that has forgotten only where it was asked to forget before, for anybody on
the line can refuse. What the registry holds of it stays, its key included: the word was not proven.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .client import LockClient
from .engine import Engine
from .errors import AckTimeout, BridgeError, LinkLost, NotPaired
from .journal import COMMAND_LINE, ChangeState
from .records import LockRecord, PairingState
from .store.registry import Registry

CUT_OFF = (
    "The lock was asked to forget this bridge and has not answered. Run the same `latchwire unpair` command again: it "
    "finishes what was begun. If the lock is gone for good, add --forget."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A lock that is not paired any more; `acknowledged` says whether the lock has said so under its key."""

    lock: LockRecord
    acknowledged: bool


class Unpairing:
    """One lock and the registry that knows it."""

    def __init__(self, engine: Engine, registry: Registry, lock: LockRecord) -> None:
        self._engine = engine
        self._registry = registry
        self._lock = lock

    async def run(self) -> Unpaired:
        """Have the lock forget this bridge.

        Raises NotPaired for a lock that refuses this bridge unasked, LinkLost or AckTimeout with CUT_OFF where it was
        asked and has not answered, and what else an engine can raise, where nothing has changed.
        """
        try:
            await self._engine.read(self._as_paired, LockClient.ping)
        except NotPaired:
            if self._lock.state in (PairingState.UNPAIRING, PairingState.UNPAIRED):
                return await self.forget()
            raise
        await self._save(PairingState.UNPAIRING)
        return await self._ask()

    async def forget(self) -> Unpaired:
        """Mark the lock as unpaired on this side alone, whatever it still knows."""
        return await self._end(acknowledged=False)

    async def _ask(self) -> Unpaired:
        try:
            await self._engine.change(self._as_paired, COMMAND_LINE, LockClient.unpair)
        except AckTimeout:
            raise AckTimeout(CUT_OFF) from None
        except LinkLost:
            if await self._is_refused():
                return await self.forget()
            raise LinkLost(CUT_OFF) from None
        except BridgeError:  # it was not asked, or has said no
            await self._save(self._lock.state)
            raise
        return await self._end(acknowledged=True)

    async def _is_refused(self) -> bool:
        """Whether the lock refuses a session now that it was asked to forget this bridge (SPEC 7.14)."""
        try:
            await self._engine.read(self._as_paired, LockClient.ping)
        except NotPaired:
            return True
        except BridgeError:
            return False
        return False

    async def _end(self, *, acknowledged: bool) -> Unpaired:
        """Keep that the lock is unpaired; what was left open there will never be known, for its record is gone."""
        await self._engine.forget(self._lock.id)
        now = datetime.fromtimestamp(self._engine.now(), UTC)
        for record in await self._engine.journal.unresolved(self._lock.wire_id):
            await self._engine.journal.save(replace(record, state=ChangeState.UNKNOWABLE, ended=now))
        return Unpaired(lock=await self._save(PairingState.UNPAIRED), acknowledged=acknowledged)

    async def _save(self, state: PairingState) -> LockRecord:
        record = replace(await self._registry.lock(self._lock.id), state=state)
        await self._registry.save_lock(record)
        return record

    @property
    def _as_paired(self) -> LockRecord:
        """The record as the engine takes it: a pairing that is half made or half undone may hold at the lock."""
        return replace(self._lock, state=PairingState.PAIRED)
