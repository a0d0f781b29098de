"""Use cases of the bridge; the only thing that the HTTP API and the command line call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from protocol.errors import MalformedError
from protocol.label import parse_label
from protocol.messages.device import InfoResponse, StatusResponse
from protocol.pin_rules import check_entry, sentence
from protocol.vocabulary import BoltAction, PinEntry

from .client import LockClient, PinList
from .config import Settings
from .engine import Engine
from .errors import AckTimeout, DamagedState, RuleBroken, UsageError, ZoneChanged
from .journal import Caller
from .links import MemoryHub
from .pairing import CUT_OFF, Pairing, PairingWish
from .records import Grant, LockRecord, Scope, TokenRecord
from .resolver import Resolver
from .store.folder import StateFolder
from .store.keys import load_or_create
from .store.registry import Registry
from .zones import posix_rule


@asynccontextmanager
async def open_service(settings: Settings, *, command: str, hub: MemoryHub | None = None) -> AsyncIterator["Service"]:
    """Open the bridge's state and yield its use cases; `command` is what other processes read of this one.

    Raises UnsafeState or DamagedState, and starts nothing, where keys or registry are not as they must be.
    """
    async with AsyncExitStack() as stack:
        folder = StateFolder.open(settings.state_dir)
        registry = await Registry.open(folder, settings.database)
        stack.push_async_callback(registry.close)
        if not folder.key_file.exists() and await registry.locks():
            raise DamagedState(
                f"{folder.key_file} is missing, but locks are paired with that key. Restore it from a backup; without "
                "one, move the registry away too, and pair every lock again."
            )
        engine = Engine(settings, folder, load_or_create(folder), command=command, hub=hub, journal=registry.journal)
        stack.push_async_callback(engine.close)
        yield Service(registry, engine)


class Service:
    """The use cases over one registry and one engine."""

    def __init__(self, registry: Registry, engine: Engine) -> None:
        self._registry = registry
        self._engine = engine

    async def authenticate(self, token: str) -> Grant | None:
        """Return what `token` allows, or None where it is unknown, expired or revoked."""
        return await self._registry.authenticate(token, datetime.now(UTC))

    async def create_token(self, *, scopes: frozenset[Scope], locks: list[str], expires: datetime | None = None) -> str:
        """Return a new token for the locks of these names or numbers; it can never be shown again."""
        found = [await self._registry.find_lock(name) for name in locks]
        return await self._registry.create_token(
            scopes=scopes, lock_ids=frozenset(lock.id for lock in found), expires=expires
        )

    async def tokens(self) -> tuple[TokenRecord, ...]:
        """Return what is known of all tokens, by number."""
        return await self._registry.tokens()

    async def revoke_token(self, token_id: int) -> None:
        """Forget a token, which allows nothing from now on; raise NotRegistered."""
        await self._registry.revoke_token(token_id)

    async def locks(self) -> tuple[LockRecord, ...]:
        """Return all registered locks."""
        return await self._registry.locks()

    async def lock(self, lock_id: int) -> LockRecord:
        """Return the lock's record; raise NotRegistered."""
        return await self._registry.lock(lock_id)

    async def find_lock(self, name_or_id: str) -> LockRecord:
        """Return the lock that a person names or numbers; raise NotRegistered."""
        return await self._registry.find_lock(name_or_id)

    async def rename_lock(self, lock: LockRecord, name: str) -> LockRecord:
        """Name a lock anew; raise AlreadyRegistered, NotRegistered, or UsageError for a name that cannot be one."""
        return await self._registry.rename_lock(lock.id, name)

    async def remove_lock(self, lock: LockRecord, *, even_paired: bool = False) -> None:
        """Forget a lock and what tokens may do with it; its number is never given again.

        Raises NotRegistered, and without `even_paired` UsageError for a paired lock, which would go on knowing us.
        """
        if not await self._registry.remove_lock(lock.id, even_paired=even_paired):
            raise UsageError(
                f"The lock {lock.name} is paired, and would go on knowing this bridge. "
                f"Run `latchwire unpair {lock.id}` first, or add --force where the lock is gone."
            )

    async def pair(self, wish: PairingWish, label: str) -> LockRecord:
        """Pair with a lock; `label` is as people type it. Raises what Pairing.run raises, UsageError for the label."""
        try:
            secret = parse_label(label)
        except MalformedError as error:
            raise UsageError(f"The label cannot be right: {error}. Read it again from the lock.") from None
        if wish.zone is not None:
            posix_rule(wish.zone)
        try:
            async with asyncio.timeout(2 * self._engine.settings.deadline):  # five exchanges, and people wait for it
                record = await Pairing(self._engine, self._registry, wish).run(secret)
        except AckTimeout:
            raise
        except TimeoutError:
            raise AckTimeout(CUT_OFF) from None
        await self._engine.forget(record.id)
        return record

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        """Create a pin for `caller` and return the id that the lock gave it, once the lock has acknowledged.

        What was asked before and left without an outcome is not done twice: its id is returned.
        Raises RuleBroken before the lock is asked, Refused, LockBusy, KeyReused, NotPaired, or what a link can do.
        """
        if rule := check_entry(entry):
            raise RuleBroken(rule, sentence(rule))
        async with self._keeping_zone(lock):
            return (await self._engine.change(lock, caller, LockClient.create_pin, entry)).id

    async def update_pin(self, lock: LockRecord, pin_id: int, entry: PinEntry, caller: Caller) -> None:
        """Replace all of a pin but its id, which works as before until the new one is durable; raise as create_pin."""
        if rule := check_entry(entry):
            raise RuleBroken(rule, sentence(rule))
        async with self._keeping_zone(lock):
            await self._engine.change(lock, caller, LockClient.update_pin, pin_id, entry)

    async def delete_pin(self, lock: LockRecord, pin_id: int, caller: Caller) -> None:
        """Remove a pin, which never opens again once this returns; raise as create_pin."""
        async with self._keeping_zone(lock):
            await self._engine.change(lock, caller, LockClient.delete_pin, pin_id)

    async def operate_bolt(self, lock: LockRecord, action: BoltAction, caller: Caller) -> None:
        """Move the bolt for `caller`, once; raises what create_pin raises.

        What is not answered is never sent again in another session: only its outcome is asked for.
        """
        async with self._keeping_zone(lock):
            await self._engine.change(lock, caller, LockClient.operate_bolt, action)

    @asynccontextmanager
    async def resolving(self) -> AsyncIterator[None]:
        """Meanwhile ask locks for the outcome of changes that were left without one, by this process or another."""
        resolver = Resolver(self._engine.journal, self.locks, self._resolve, self._engine.left_open)
        task = asyncio.create_task(resolver.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _resolve(self, lock: LockRecord) -> None:
        async with self._keeping_zone(lock):
            await self._engine.read(lock, LockClient.resolve)

    async def list_pins(self, lock: LockRecord) -> PinList:
        """Return all pins of a lock, without digits."""
        async with self._keeping_zone(lock):
            return await self._engine.read(lock, LockClient.list_pins)

    async def get_pin(self, lock: LockRecord, pin_id: int) -> PinEntry:
        """Return one pin, digits included."""
        async with self._keeping_zone(lock):
            return (await self._engine.read(lock, LockClient.get_pin, pin_id)).entry

    async def info(self, lock: LockRecord) -> InfoResponse:
        """Return what the lock is, as it says itself."""
        async with self._keeping_zone(lock):
            return await self._engine.read(lock, LockClient.info)

    async def status(self, lock: LockRecord) -> StatusResponse:
        """Return how the lock is now."""
        async with self._keeping_zone(lock):
            return await self._engine.read(lock, LockClient.status)

    @asynccontextmanager
    async def _keeping_zone(self, lock: LockRecord) -> AsyncIterator[None]:
        """Let the registry learn a zone that another bridge has set; what was converted by the old one is refused."""
        try:
            yield
        except ZoneChanged as change:
            await self._registry.save_lock(replace(lock, zone=change.zone))
            raise
