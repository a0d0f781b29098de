"""Use cases of the bridge; the only thing that the HTTP API and the command line call."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, suppress
from datetime import UTC, datetime

from protocol.errors import MalformedError
from protocol.label import parse_label
from protocol.messages.device import InfoResponse, StatusResponse
from protocol.pin_rules import check_entry, sentence
from protocol.vocabulary import BoltAction, PinEntry

from .activity import ActivityEntry
from .bolts import cannot_do, until_it_rests
from .client import LockClient, PinList
from .clocks import ClockReading, ClockSetting, read_clock, set_clock
from .config import Settings
from .diagnosis import Finding, diagnose
from .engine import Engine
from .errors import (
    AckTimeout,
    BoltUnknown,
    BridgeError,
    DamagedState,
    LinkLost,
    Refused,
    RuleBroken,
    UsageError,
    ZoneChanged,
)
from .follower import Follower
from .journal import Caller
from .knowledge import Knowledge
from .links import MemoryHub, serial_targets
from .monitors import Monitors, watch
from .observing import NOBODY, Observer
from .pairing import CUT_OFF, Pairing, PairingWish
from .records import BoltOperation, Grant, LockRecord, Scope, TokenRecord
from .resolver import Resolver
from .scanning import Found, Listening, scan
from .states import KnownState, by_info, by_operation, by_status
from .store.folder import StateFolder
from .store.keys import load, load_or_create
from .store.registry import Registry
from .tracing import Sink, Trace
from .unpairing import Unpaired, Unpairing
from .zones import posix_rule

ASKED_FOR = 2.0
"""Seconds that a lock has to tell what happened, while somebody waits for the list."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    command: str,
    hub: MemoryHub | None = None,
    corrects_clocks: bool = True,
    sinks: Sequence[Sink] = (),
    observer: Observer = NOBODY,
) -> AsyncIterator["Service"]:
    """Open the bridge's state and yield its use cases; `command` is what other processes read of this one.

    `corrects_clocks` is whether each session begins with setting a clock that is wrong. What is asked of locks is told
    to whoever watches them, and to `sinks`; `observer` counts it.

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
        monitors = stack.enter_context(closing(Monitors(folder)))
        engine = Engine(
            settings,
            folder,
            load_or_create(folder),
            command=command,
            hub=hub,
            journal=registry.journal,
            corrects_clocks=corrects_clocks,
            trace=Trace(monitors, *sinks),
            observer=observer,
        )
        stack.push_async_callback(engine.close)
        yield Service(registry, engine, folder)


class Service:
    """The use cases over one registry and one engine."""

    def __init__(self, registry: Registry, engine: Engine, folder: StateFolder) -> None:
        self._folder = folder
        self._registry = registry
        self._engine = engine
        self._knowledge = Knowledge(engine, registry.activity, registry.states)

    @property
    def settings(self) -> Settings:
        """What was set when the service was opened."""
        return self._engine.settings

    async def require_ready(self) -> None:
        """Raise DamagedState or UnsafeState where registry or keys can be used no more."""
        await self._registry.locks()
        if load(self._folder) != self._engine.keys:
            raise DamagedState(f"{self._folder.key_file} holds other keys than this process has read. Start it anew.")

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

    async def scan(
        self, targets: Sequence[str], *, ports: bool, listening: Listening | None = None
    ) -> tuple[Found, ...]:
        """Say hello at each of `targets`, and with `ports` at every serial port; with `listening` hear who advertises.

        Raises UsageError for no target.
        """
        found = await asyncio.to_thread(serial_targets) if ports else ()
        return await scan(self._engine, await self._registry.locks(), (*found, *targets), listening)

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

    async def unpair(self, lock: LockRecord, *, forget: bool = False) -> Unpaired:
        """Have a lock forget this bridge, or with `forget` mark it as unpaired unasked; raise as Unpairing.run."""
        unpairing = Unpairing(self._engine, self._registry, lock)
        return await (unpairing.forget() if forget else unpairing.run())

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        """Create a pin for `caller` and return the id that the lock gave it, once the lock has acknowledged.

        What was asked before and left without an outcome is not done twice: its id is returned.
        Raises RuleBroken before the lock is asked, Refused, LockBusy, KeyReused, NotPaired, or what a link can do.
        """
        if rule := check_entry(entry):
            raise RuleBroken(rule, sentence(rule))
        async with self._changing(lock):
            return (await self._engine.change(lock, caller, LockClient.create_pin, entry)).id

    async def update_pin(self, lock: LockRecord, pin_id: int, entry: PinEntry, caller: Caller) -> None:
        """Replace all of a pin but its id, which works as before until the new one is durable; raise as create_pin."""
        if rule := check_entry(entry):
            raise RuleBroken(rule, sentence(rule))
        async with self._changing(lock):
            await self._engine.change(lock, caller, LockClient.update_pin, pin_id, entry)

    async def delete_pin(self, lock: LockRecord, pin_id: int, caller: Caller) -> None:
        """Remove a pin, which never opens again once this returns; raise as create_pin."""
        async with self._changing(lock):
            await self._engine.change(lock, caller, LockClient.delete_pin, pin_id)

    async def operate_bolt(self, lock: LockRecord, action: BoltAction, caller: Caller) -> BoltOperation:
        """Move the bolt for `caller`, once; raises what create_pin raises, BoltUnknown in place of AckTimeout.

        What is not answered is never sent again in another session: only its outcome is asked for.
        """
        async with self._changing(lock):
            try:
                operation = await self._engine.change(lock, caller, _operate_bolt, action)
            except (AckTimeout, LinkLost) as error:
                raise BoltUnknown(
                    f"The lock {lock.name} has not acknowledged: its bolt may have been moved or not. "
                    "Look at the lock before you ask again, for that would move the bolt once more."
                ) from error
        await self._knowledge.renew(lock, by_operation(operation.bolt, operation.begun))
        return operation

    async def move_bolt(self, lock: LockRecord, action: BoltAction, caller: Caller) -> StatusResponse:
        """Move the bolt for `caller`, once, and return how the lock is when it rests, or still moves after ten seconds.

        Raises as operate_bolt, and BoltUnknown where nobody can see how far it has moved.
        """
        try:
            await self.operate_bolt(lock, action, caller)
        except Refused as refusal:
            raise cannot_do(lock.name, action, refusal) from None
        return await until_it_rests(lambda: self.status(lock), lock.name)

    @asynccontextmanager
    async def resolving(self) -> AsyncIterator[None]:
        """Meanwhile ask locks for the outcome of changes that were left without one, by this process or another."""
        resolver = Resolver(self._engine.journal, self.locks, self._resolve, self._engine.left_open)
        async with _running(resolver.run()):
            yield

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
            told = await self._engine.read(lock, LockClient.info)
        await self._knowledge.renew(lock, by_info(told, self._knowledge.now()))
        return told

    async def diagnose(self, lock: LockRecord) -> tuple[Finding, ...]:
        """Go through everything that a lock's work depends on, and say of each how it is; raise nothing of the lock."""
        return await diagnose(self, self._engine.journal, self._registry, lock)

    async def clock(self, lock: LockRecord) -> ClockReading:
        """Return what the lock's clock shows, and how far it is from this host's."""
        async with self._keeping_zone(lock):
            return await read_clock(self._engine, lock)

    async def set_clock(self, lock: LockRecord, *, zone: str | None, force: bool) -> ClockSetting:
        """Set a lock's clock to this host's time, and its zone where one is given; raise as clocks.set_clock."""
        async with self._changing(lock):
            return await set_clock(self._engine, self._registry, lock, zone=zone, force=force)

    async def let_go(self, lock: LockRecord) -> None:
        """Give a lock back to other processes before it has been idle for long."""
        await self._engine.forget(lock.id)

    async def status(self, lock: LockRecord) -> StatusResponse:
        """Return how the lock is now."""
        async with self._keeping_zone(lock):
            told = await self._engine.read(lock, LockClient.status)
        await self._knowledge.renew(lock, by_status(told, self._knowledge.now()))
        return told

    async def known_states(self, locks: Iterable[LockRecord]) -> tuple[KnownState, ...]:
        """Return what each lock has last told, without asking any."""
        return await self._knowledge.states(locks)

    async def activity(self, lock: LockRecord, count: int, before: datetime | None = None) -> tuple[ActivityEntry, ...]:
        """Return the newest `count` things that happened at the lock, newest first; with `before`, of those until then.

        Without `before` the lock is asked first, unless it has told a moment ago and this bridge has changed nothing
        there since; where it does not tell in time, what is stored is returned.
        """
        if before is None and not self._knowledge.is_fresh(lock):
            try:
                async with asyncio.timeout(ASKED_FOR):
                    await self._look(lock)
            except (BridgeError, TimeoutError) as error:
                _log.info("The lock %s was not asked what happened there. %s", lock.name, error)
        return await self._knowledge.entries(lock, count, before)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Meanwhile keep up with what happens at the locks: after each use, and now and then where there is none."""
        follower = Follower(self._knowledge, self.locks, self.lock, self._look, self._engine.settings)
        async with _running(follower.run()):
            yield

    async def _look(self, lock: LockRecord) -> bool:
        async with self._asking(lock):
            return await self._knowledge.look(lock)

    async def monitor(self, lock: LockRecord, *, show_pins: bool) -> AsyncGenerator[bytes, None]:
        """Yield what any process of this state folder asks of the lock, as monitors.watch does."""
        async with aclosing(watch(self._folder, lock.wire_id, show_pins=show_pins)) as events:
            async for event in events:
                yield event

    @asynccontextmanager
    async def _keeping_zone(self, lock: LockRecord) -> AsyncIterator[None]:
        """Do what `_asking` does around what a caller asks of a lock, and have a look at what comes of it."""
        async with self._asking(lock):
            yield
        self._knowledge.used(lock)

    @asynccontextmanager
    async def _changing(self, lock: LockRecord) -> AsyncIterator[None]:
        """Do what `_keeping_zone` does around a change, however that ends: what it caused is in the lock's audit."""
        try:
            async with self._keeping_zone(lock):
                yield
        finally:
            self._knowledge.outdate(lock)

    @asynccontextmanager
    async def _asking(self, lock: LockRecord) -> AsyncIterator[None]:
        """Let the registry learn whether the lock answers, and a zone that another bridge has set.

        What was converted by the old zone is refused.
        """
        try:
            async with self._knowledge.contact(lock):
                yield
        except ZoneChanged as change:
            await self._registry.set_zone(lock.id, change.zone)
            raise


async def _operate_bolt(client: LockClient, action: BoltAction) -> BoltOperation:
    answer = await client.operate_bolt(action)
    return BoltOperation(begun=client.changes.begun, bolt=answer.bolt)


@asynccontextmanager
async def _running(background: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(background)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
