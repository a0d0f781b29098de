"""A bridge in a simulated world: a real engine on a journal, asked at random, killed at any moment and started anew."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bridge.changes import Changes
from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import AckTimeout, LinkLost, NotPaired, Refused, Unreachable
from bridge.journal import COMMAND_LINE, UNRESOLVED, ChangeState, Journal, Marks, MemoryJournal
from bridge.links import open_link
from bridge.records import LockRecord
from bridge.sessions import KnownLock
from bridge.store.folder import StateFolder
from bridge.store.keys import BridgeKeys
from bridge.store.ownership import Ownership
from bridge.wire import Wire
from protocol.exchange import Retry
from protocol.messages.declaration import Change as ChangeRequest
from protocol.messages.pins import PinClearRequest, PinCreateRequest, PinDeleteRequest, PinUpdateRequest
from protocol.vocabulary import BoltAction, PinEntry, Schedule, Status, Weekdays, Window
from tests.simulation.bolt import MOVING, BoltCount
from tests.simulation.model import Change, Verb, Violation

if TYPE_CHECKING:
    from tests.simulation.world import World

ZONE = "Europe/Warsaw"
SILENCES = (AckTimeout, LinkLost, Unreachable, NotPaired)
"""How a request ends whose lock cannot be asked just now."""


class _Free(Ownership):
    """The hold on a lock that no other process competes for; it needs no file."""

    def __init__(self) -> None:
        """Hold nothing."""

    def release(self) -> None:
        """Give nothing back."""


class SimulatedEngine(Engine):
    """An engine whose time and chance come from the world."""

    def __init__(self, world: "World", keys: BridgeKeys, journal: Journal, luck: Random) -> None:
        folder = Path("/nonexistent")
        super().__init__(
            Settings(state_dir=folder), StateFolder(folder), keys, command="simulation", hub=world.hub,
            journal=journal, now=world.epoch,
        )  # fmt: skip
        self._world = world
        self._chance = luck

    def client(self, lock: LockRecord, connect: Callable[[], Awaitable[Wire]]) -> LockClient:
        """Return a client that lives in the world's time."""
        known = KnownLock(wire_id=lock.wire_id, public_key=lock.public_key, version=lock.version, zone=lock.zone)
        changes = Changes(self.journal, self.keys.hmac_key, lock.wire_id, self.now)
        return LockClient(known, self.keys, connect, changes=changes, now=self.now, entropy=self._chance.randbytes)

    async def connect(self, target: str) -> Wire:
        """Open a wire whose jitter comes from the world."""
        return Wire(await open_link(target, self._world.hub), Retry(), self._chance)

    def own(self, wire_id: int, name: str) -> Ownership:
        """Own every lock at once."""
        del wire_id, name
        return _Free()


class Bridge:
    """One bridge of the world; it makes one change at a time, and finds out an unknown outcome before the next."""

    def __init__(self, world: "World", number: int, record: LockRecord, keys: BridgeKeys, luck: Random) -> None:
        self.number = number
        self.unknown: Change | None = None
        self.audit_read = 0
        self._world = world
        self._record = record
        self._keys = keys
        self._luck = luck
        self._journal = MemoryJournal()
        self._marks = Marks(keys.hmac_key)
        self._asked_after = 0
        self._bolt = BoltCount()
        self._has_cleared = False
        self._engine = SimulatedEngine(world, keys, self._journal, luck)

    def client(self) -> LockClient:
        """Return a client of this bridge's lock without its engine."""
        return self._engine.client(self._record, partial(self._engine.connect, self._record.target))

    async def live(self, steps: int) -> None:
        """Ask for something at random `steps` times, and be killed now and then."""
        for _ in range(steps):
            await asyncio.sleep(self._luck.expovariate(1.0))
            if self._luck.random() < self._world.restarts:
                await self._step_until_killed()
            else:
                await self._step()

    async def converge(self, *, force_clock: bool) -> None:
        """With no more faults: find out what is unknown, see the lock as the model does, and change it.

        A clock that is far ahead is not set back before somebody forces that.
        """
        await self.restart()
        while self.unknown:
            await self.resolve()
            await asyncio.sleep(0.1)
        if force_clock:
            await self._engine.change(self._record, COMMAND_LINE, self._set_clock)
        model = self._world.model
        listed = await self._engine.read(self._record, LockClient.list_pins)
        before = model.list_version
        if listed.list_version != before or {pin.id: pin.alias for pin in listed.pins} != {
            pin_id: entry.alias for pin_id, entry in model.pins.items()
        }:
            raise Violation("a bridge lists other pins than the lock holds")
        await self.change(self._next_change())
        if self.unknown:
            raise Violation("with nothing failing, a change has no outcome")
        while not await self.read_audit():
            continue
        self._bolt.see(self._moved)

    async def resolve(self) -> None:
        """Find out what became of the change whose outcome is unknown: by asking for it again, or by the journal."""
        assert self.unknown is not None
        if self._luck.random() < 0.5:
            self._note(f"asks again for {self.unknown}")
            await self._perform(self.unknown, again=True)
            return
        try:
            await self._engine.read(self._record, LockClient.resolve)
        except Refused as refusal:
            self._note(f"cannot resolve {self.unknown}: {refusal.status.name}")
        except SILENCES as silence:
            self._note(f"cannot resolve {self.unknown}: {type(silence).__name__}")
        self._look_up(self.unknown)

    async def change(self, change: Change) -> None:
        """Ask for a change and judge how that ends."""
        self._world.model.asked(change)
        self.unknown = change
        self._asked_after = max(self._journal.records, default=0)
        await self._perform(change, again=False)

    async def _perform(self, change: Change, *, again: bool) -> None:
        """Ask the engine; a change that is asked for again has at most one effect with the first time together."""
        model = self._world.model
        try:
            list_version, pin_id = await self._ask(change)
        except Refused as refusal:
            self._note(f"{change} refused: {refusal.status.name}")
            if again and refusal.status is Status.BUSY:  # the lock could not even be asked what became of it
                return
            self.unknown = None
            model.refused(change)
            if refusal.status not in (Status.FULL, Status.NOT_FOUND, Status.BUSY):
                raise Violation(f"{change} was refused as {refusal.status.name}") from None
        except SILENCES as silence:
            self._note(f"{change} unknown: {type(silence).__name__}")
        else:
            self._note(f"{change} acknowledged, list version {list_version}")
            self.unknown = None
            model.acknowledged(change, list_version, pin_id)
            self._world.count["acknowledged"] += 1

    def _look_up(self, change: Change) -> None:
        """See what the journal knows of a change; one that it never held was never sent."""
        mark = self._marks.of_request(_request(change))
        records = [
            record
            for record in self._journal.records.values()
            if record.number > self._asked_after and record.request_mark == mark
        ]
        if any(record.state in UNRESOLVED for record in records):
            return
        if any(record.state is ChangeState.UNKNOWABLE for record in records):
            raise Violation(f"what became of {change} cannot be learned any more")
        made = any(record.state is ChangeState.CONFIRMED for record in records)
        self._note(f"resolves {change}: {'made' if made else 'not made'}")
        self._world.model.resolved(change, made=made)
        self.unknown = None

    async def read_audit(self) -> bool:
        """Read on in the audit from where this bridge has got to; return whether it has come to the end."""
        page = await self._engine.read(self._record, LockClient.read_audit, self.audit_read)
        expected = max(self.audit_read + 1, page.first)
        for record in page.records:
            if record.sequence != expected:
                raise Violation("a bridge has read an audit record twice, or missed one")
            if self._world.lock.audit.get(record.sequence) != record:
                raise Violation("a bridge has read another audit record than the lock made")
            self.audit_read, expected = record.sequence, expected + 1
        return self.audit_read == page.last

    async def restart(self) -> None:
        """Die without a word, as a killed process does, whose links its system closes; start anew on the journal."""
        self._note("is killed")
        self._world.count["bridge restarts"] += 1
        await self._engine.close()
        self._engine = SimulatedEngine(self._world, self._keys, self._journal, self._luck)

    async def close(self) -> None:
        """Give links back."""
        await self._engine.close()

    async def _step_until_killed(self) -> None:
        step = asyncio.create_task(self._step())
        await asyncio.wait([step], timeout=self._luck.random())
        await self.restart()
        await asyncio.gather(step, return_exceptions=True)
        if step.done() and not step.cancelled() and (error := step.exception()):
            raise error

    async def _step(self) -> None:
        self._world.count["steps"] += 1
        if self.unknown:
            await self.resolve()
            return
        chance = self._luck.random()
        if chance < 0.7:
            await (self._operate_bolt() if chance < 0.1 else self.change(self._next_change()))
            return
        try:
            if self._luck.random() < 0.5:
                await self._engine.read(self._record, LockClient.list_pins)
            else:
                await self.read_audit()
        except Refused as refusal:
            self._note(f"read refused: {refusal.status.name}")
        except SILENCES as silence:
            self._note(f"read unanswered: {type(silence).__name__}")

    async def _operate_bolt(self) -> None:
        action = self._luck.choice(list(BoltAction))
        self._bolt.asked(action)
        try:
            answer = await self._engine.change(self._record, COMMAND_LINE, LockClient.operate_bolt, action)
        except Refused as refusal:
            self._note(f"{action.name.lower()} refused: {refusal.status.name}")
            self._bolt.refused()
        except SILENCES as silence:
            self._note(f"{action.name.lower()} unanswered: {type(silence).__name__}")
            self._bolt.see(self._moved)
        else:
            self._note(f"{action.name.lower()} acknowledged: {answer.bolt.name.lower()}")
            self._bolt.acknowledged(action, self._moved, moved=answer.bolt in MOVING)
            self._world.count["bolt operations"] += 1

    @property
    def _moved(self) -> int:
        return self._world.lock.moved[self._keys.peer_id]

    @staticmethod
    async def _set_clock(client: LockClient) -> None:
        await client.set_clock(ZONE, force=True)

    async def _ask(self, change: Change) -> tuple[int, int | None]:
        engine, record, entry = self._engine, self._record, change.entry
        if change.verb is Verb.DELETE:
            deleted = await engine.change(record, COMMAND_LINE, LockClient.delete_pin, change.pin_id)
            return deleted.list_version, None
        if change.verb is Verb.CLEAR:
            cleared = await engine.change(record, COMMAND_LINE, LockClient.clear_pins)
            return cleared.list_version, None
        assert entry is not None
        if change.verb is Verb.UPDATE:
            updated = await engine.change(record, COMMAND_LINE, LockClient.update_pin, change.pin_id, entry)
            return updated.list_version, None
        created = await engine.change(record, COMMAND_LINE, LockClient.create_pin, entry)
        return created.list_version, created.id

    def _next_change(self) -> Change:
        pins = self._world.model.pins
        number = next(self._world.numbers)
        own = [pin_id for pin_id in pins if pins[pin_id].alias.endswith(f"b{self.number}")]
        verb = self._luck.choices(list(Verb), [5 if len(pins) < self._world.slots else 1, 4, 4, self._may_clear()])[0]
        if verb is Verb.CLEAR:
            self._has_cleared = True
            return Change(number=number, bridge=self.number, verb=verb)
        if verb is Verb.DELETE and own:
            return Change(number=number, bridge=self.number, verb=verb, pin_id=self._luck.choice(own))
        entry = self._entry(number)
        if verb is Verb.UPDATE and own:
            return Change(number=number, bridge=self.number, verb=verb, pin_id=self._luck.choice(own), entry=entry)
        return Change(number=number, bridge=self.number, verb=Verb.CREATE, entry=entry)

    def _may_clear(self) -> bool:
        """Whether to clear: once in a life and one bridge at a time, as nothing tells one clear from another."""
        return not self._has_cleared and all(change.verb is not Verb.CLEAR for change in self._world.model.open)

    def _entry(self, number: int) -> PinEntry:
        """Return a pin that no other change makes; a third of them are limited in time."""
        limits = (
            Schedule(),
            Schedule(),
            Schedule(windows=(Window(weekdays=Weekdays(self._luck.randrange(1, 128)), start=480, end=960),)),
            Schedule(windows=(Window(weekdays=Weekdays(127), start=1320, end=360),)),
            Schedule(windows=(Window(weekdays=Weekdays(127), start=90, end=150),)),
            Schedule(valid_from=round(self._world.epoch()) + self._luck.randrange(-60, 60)),
            Schedule(valid_until=round(self._world.epoch()) + self._luck.randrange(1, 60)),
        )
        return PinEntry(
            digits=f"{135_790 + number}", alias=f"{number} b{self.number}", schedule=self._luck.choice(limits)
        )

    def _note(self, what: str) -> None:
        self._world.note(f"bridge {self.number}: {what}")


def _request(change: Change) -> ChangeRequest:
    """Return the request of a change as the journal marks it, without an operation id."""
    if change.verb is Verb.DELETE:
        return PinDeleteRequest(operation=0, id=change.pin_id)
    if change.verb is Verb.CLEAR:
        return PinClearRequest(operation=0)
    assert change.entry is not None
    if change.verb is Verb.UPDATE:
        return PinUpdateRequest(operation=0, id=change.pin_id, entry=change.entry)
    return PinCreateRequest(operation=0, entry=change.entry)
