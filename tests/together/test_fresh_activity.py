"""For how long what happened at a lock is told without waking it, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from bridge.activity import ActivityEntry, Item, Reading
from bridge.config import DEFAULT_FRESH, Settings
from bridge.engine import Engine
from bridge.errors import AckTimeout
from bridge.journal import COMMAND_LINE
from bridge.links import MemoryHub, open_link
from bridge.records import LockRecord, PairingState
from bridge.service import Service
from bridge.states import KnownState, Renewal
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from protocol.framing import Kind
from protocol.vocabulary import AuditEvent, AuditRecord, BoltAction
from tests.together.door import Door, open_door, pin
from tests.together.links import Deaf, Whole
from tests.virtual_time import run


class NoStates:
    """Keeps no state of any lock."""

    async def states(self, lock_ids: Iterable[int]) -> Mapping[int, KnownState]:
        del lock_ids
        return {}

    async def renew(self, lock_id: int, renewal: Renewal) -> None:
        """Forget it."""


class Memory:
    """A registry that holds what happened in memory, for threads have no place in virtual time."""

    def __init__(self) -> None:
        self.activity = self
        self.states = NoStates()
        self.looks = 0
        """How often the audit was read to its end."""
        self._reading = Reading()
        self._items: list[Item] = []

    async def reading(self, lock_id: int) -> Reading:
        del lock_id
        return self._reading

    async def append(self, lock_id: int, before: Reading, after: Reading, items: Sequence[Item], now: datetime) -> bool:
        del lock_id, now
        assert before == self._reading
        self.looks += after.ended != before.ended
        self._reading = after
        self._items += items
        return True

    async def entries(self, lock_id: int, count: int, before: datetime | None) -> tuple[ActivityEntry, ...]:
        assert before is None
        numbered = list(enumerate(self._items))[::-1]
        now = datetime.fromtimestamp(0).astimezone()
        return tuple(ActivityEntry(id=id_, lock_id=lock_id, date=now, item=item) for id_, item in numbered[:count])


class Front:
    """A service at a simulated lock."""

    def __init__(self, door: Door, folder: Path, fresh: float) -> None:
        self.door = door
        self.memory = Memory()
        self.lock = LockRecord(
            id=1,
            name="front",
            target="memory:front",
            wire_id=door.known.wire_id,
            public_key=door.known.public_key,
            state=PairingState.PAIRED,
            zone="UTC",
            version=1,
        )
        state = StateFolder.open(folder)
        settings = Settings(state_dir=folder, fresh=fresh)
        self.engine = Engine(settings, state, door.keys, command="latchwire serve", hub=door.hub, now=door.now)
        self.service = Service(cast("Registry", self.memory), self.engine, state)

    async def newest(self) -> AuditEvent:
        """Return what happened last, as whoever polls is told."""
        (entry,) = await self.service.activity(self.lock, 1)
        assert isinstance(entry.item, AuditRecord)
        return entry.item.event

    async def create(self) -> None:
        await self.service.create_pin(self.lock, pin("97531"), COMMAND_LINE)


Test = Callable[[Front], Awaitable[None]]
Scenario = Callable[..., None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    async def opened_and_closed(test: Test, fresh: float) -> None:
        door = await open_door()

        async def open_double(target: str, hub: MemoryHub | None) -> Whole:
            door.links.append(door.wrap(await open_link(target, hub)))
            return door.links[-1]

        monkeypatch.setattr("bridge.engine.open_link", open_double)
        front = Front(door, tmp_path / "state", fresh)
        try:
            await test(front)
        finally:
            await front.engine.close()

    return lambda test, fresh=DEFAULT_FRESH: run(opened_and_closed(test, fresh))


def test_whoever_polls_wakes_a_lock_once_in_ten_seconds(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        for _ in range(61):
            await front.newest()
            await asyncio.sleep(1)
        assert front.memory.looks == 7
        assert len(front.door.links) == 7  # each look gave the lock back

    scenario(test)


def test_hands_at_the_keypad_are_told_of_when_the_ten_seconds_are_over(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        before = await front.newest()
        front.door.simulator.enter("86420")
        await asyncio.sleep(9.9)
        assert await front.newest() is before
        await asyncio.sleep(0.2)
        assert await front.newest() is AuditEvent.ENTRY_DENIED

    scenario(test)


def test_with_0_a_lock_is_always_asked(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await front.newest()
        front.door.simulator.enter("86420")
        assert await front.newest() is AuditEvent.ENTRY_DENIED

    scenario(test, 0)


def test_what_this_bridge_has_changed_is_told_at_once(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        service, lock = front.service, front.lock
        changes: list[tuple[Callable[[], Awaitable[object]], AuditEvent]] = [
            (front.create, AuditEvent.PIN_CREATED),
            (lambda: service.update_pin(lock, 1, pin("86420"), COMMAND_LINE), AuditEvent.PIN_UPDATED),
            (lambda: service.delete_pin(lock, 1, COMMAND_LINE), AuditEvent.PIN_DELETED),
            (lambda: service.operate_bolt(lock, BoltAction.UNLOCK, COMMAND_LINE), AuditEvent.UNLOCK),
        ]
        for change, event in changes:
            await front.newest()
            await change()
            assert await front.newest() is event

    scenario(test)


def test_how_a_bolt_on_its_way_ends_is_told_at_once(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        front.door.simulator.block_bolt(blocked=True)
        await front.service.operate_bolt(front.lock, BoltAction.UNLOCK, COMMAND_LINE)
        assert await front.newest() is AuditEvent.UNLOCK
        await asyncio.sleep(3)
        assert await front.newest() is AuditEvent.JAM

    scenario(test)


def test_a_change_without_an_outcome_may_have_left_a_record(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        front.door.wrap = Deaf
        await front.create()
        await front.newest()
        link = front.door.links[-1]
        assert isinstance(link, Deaf)
        link.kinds = set(Kind)
        with pytest.raises(AckTimeout):
            await front.service.delete_pin(front.lock, 1, COMMAND_LINE)
        link.kinds = ()
        assert await front.newest() is AuditEvent.PIN_DELETED

    scenario(test, 60)


def test_a_change_that_waits_for_a_look_is_not_taken_for_seen(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await asyncio.gather(front.newest(), front.create())
        assert await front.newest() is AuditEvent.PIN_CREATED

    scenario(test)
