"""Engines that come and go on one journal, at one simulated lock in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import AckTimeout
from bridge.journal import Caller, ChangeRecord, ChangeState, Journal, MemoryJournal
from bridge.links import MemoryHub, open_link
from bridge.records import LockRecord, PairingState
from bridge.resolver import Resolver
from bridge.store.folder import StateFolder
from protocol.messages.pins import PIN_CLEAR
from protocol.vocabulary import BoltAction, PinEntry
from tests.together.door import Door, open_door, pin
from tests.together.links import Whole
from tests.virtual_time import run

NEW = pin("97531")
ALICE, BOB = Caller(token_id=1), Caller(token_id=2)
KEYED = Caller(token_id=1, key="drawn")


class Link(Whole):
    """Loses every frame that goes out while it is `mute`, and every one that comes in while it is `deaf`."""

    mute = deaf = False

    def outward(self, frame: bytes) -> tuple[bytes, ...]:
        return () if self.mute else (frame,)

    def inward(self, frame: bytes) -> tuple[bytes, ...]:
        return () if self.deaf else (frame,)


class Desk:
    """The bridge's side of a door: the journal that stays, and the engine that a crash takes away."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self.journal: Journal = MemoryJournal()
        self.folder = StateFolder.open(folder)
        self._settings = Settings(state_dir=folder)
        self.record = LockRecord(
            id=1,
            name="front",
            target="memory:front",
            wire_id=door.known.wire_id,
            public_key=door.known.public_key,
            state=PairingState.PAIRED,
            zone="UTC",
            version=1,
        )
        self.engine = self._new_engine()

    async def restart(self) -> None:
        """Take the engine away in mid-work, and start another."""
        await self.engine.close()
        self.engine = self._new_engine()

    async def create(self, caller: Caller = ALICE, entry: PinEntry = NEW) -> int:
        return (await self.engine.change(self.record, caller, LockClient.create_pin, entry)).id

    async def bolt(self, caller: Caller = ALICE, action: BoltAction = BoltAction.UNLOCK) -> None:
        await self.engine.change(self.record, caller, LockClient.operate_bolt, action)

    async def ping(self) -> bytes:
        return await self.engine.read(self.record, LockClient.ping, b"?")

    async def get_ready(self) -> None:
        """Change something, so that the session knows the last operation and the next change is one exchange."""
        await self.engine.change(self.record, Caller(token_id=9), LockClient.clear_pins)

    async def effects(self) -> int:
        """How many changes the lock has made: it counts them, and the one that makes ready does not count."""
        done = (await self.engine.read(self.record, LockClient.last_operation)).operation
        return done - len(self._of_clear)

    @property
    def records(self) -> tuple[ChangeRecord, ...]:
        assert isinstance(self.journal, MemoryJournal)
        return tuple(record for record in self.journal.records.values() if record.method != PIN_CLEAR.method)

    @property
    def _of_clear(self) -> tuple[ChangeRecord, ...]:
        assert isinstance(self.journal, MemoryJournal)
        return tuple(record for record in self.journal.records.values() if record.method == PIN_CLEAR.method)

    @property
    def link(self) -> Link:
        link = self.door.links[-1]
        assert isinstance(link, Link)
        return link

    def resolver(self) -> Resolver:
        async def locks() -> tuple[LockRecord, ...]:
            return (self.record,)

        async def resolve(lock: LockRecord) -> None:
            await self.engine.read(lock, LockClient.resolve)

        return Resolver(self.journal, locks, resolve, self.engine.left_open)

    def _new_engine(self) -> Engine:
        return Engine(
            self._settings,
            self.folder,
            self.door.keys,
            command="latchwire serve",
            hub=self.door.hub,
            journal=self.journal,
            now=self.door.now,
        )


Scenario = Callable[[Callable[[Desk], Awaitable[None]]], None]
"""How a test runs at a desk of its own."""


async def lose_the_answer(desk: Desk, caller: Caller = ALICE) -> None:
    """Let the lock create NEW, and nobody hear of it."""
    await desk.get_ready()
    desk.link.deaf = True
    with pytest.raises(AckTimeout):
        await desk.create(caller)
    assert desk.door.pins == {1: NEW}
    assert [record.state for record in desk.records] == [ChangeState.UNCONFIRMED]
    desk.link.deaf = False


def at_a_desk(test: Callable[[Desk], Awaitable[None]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test at a new door with a desk."""

    async def opened_and_closed() -> None:
        door = await open_door()
        door.wrap = Link

        async def open_double(target: str, hub: MemoryHub | None) -> Whole:
            door.links.append(door.wrap(await open_link(target, hub)))
            return door.links[-1]

        monkeypatch.setattr("bridge.engine.open_link", open_double)
        desk = Desk(door, folder)
        try:
            await test(desk)
        finally:
            await desk.engine.close()

    run(opened_and_closed())
