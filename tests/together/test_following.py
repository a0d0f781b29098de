"""A service follows a simulated lock, in virtual time: it knows soon what came of each use, and wakes it seldom."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.errors import LockHeld
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord
from bridge.service import Service
from bridge.states import KnownState
from bridge.store.registry import Registry
from protocol.framing import Kind
from protocol.vocabulary import AuditEvent, AuditRecord, BoltAction, BoltState
from tests.together.desk import Desk, at_a_desk
from tests.together.door import pin
from tests.together.memories import MemoryActivity, MemoryStates


class OneLock(Registry):
    """A registry that knows the desk's lock, and needs no file."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._states = MemoryStates()
        self._activity = MemoryActivity()

    @property
    def states(self) -> MemoryStates:
        return self._states

    @property
    def activity(self) -> MemoryActivity:
        return self._activity

    async def locks(self) -> tuple[LockRecord, ...]:
        return (self._desk.record,)

    async def lock(self, lock_id: int) -> LockRecord:
        assert lock_id == self._desk.record.id
        return self._desk.record


class Watched:
    """A desk whose service follows its lock; what is asked here asks the lock for nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.registry = OneLock(desk)
        self.service = Service(self.registry, desk.engine, desk.folder)

    @property
    def lock(self) -> LockRecord:
        return self.desk.record

    async def known(self) -> KnownState:
        (known,) = await self.service.known_states([self.lock])
        return known

    async def events(self) -> list[AuditEvent]:
        """Return what is stored of what happened, newest first."""
        entries = await self.registry.activity.entries(self.lock.id, 1000, None)
        return [entry.item.event for entry in entries if isinstance(entry.item, AuditRecord)]

    def sessions(self) -> int:
        """How often the lock was woken."""
        return len(self.desk.door.sent_of(Kind.HELLO_REQUEST))


Scenario = Callable[[Callable[[Watched], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    async def followed(desk: Desk, test: Callable[[Watched], Awaitable[None]]) -> None:
        watched = Watched(desk)
        async with watched.service.following():
            await test(watched)
        assert not [task for task in asyncio.all_tasks() if "_follow" in str(task.get_coro())]

    return lambda test: at_a_desk(lambda desk: followed(desk, test), tmp_path / "state", monkeypatch)


def test_a_lock_is_known_from_the_start_on_and_then_woken_once_an_hour(scenario: Scenario) -> None:
    async def test(watched: Watched) -> None:
        await asyncio.sleep(1)
        known = await watched.known()
        assert (known.reached, known.bolt, known.serial) == (
            True,
            BoltState.LOCKED,
            watched.desk.door.simulator.device.factory.serial,
        )
        assert await watched.events()
        assert watched.sessions() == 1
        await asyncio.sleep(3 * 3600)
        assert watched.sessions() == 4

    scenario(test)


@pytest.mark.parametrize("action", [BoltAction.UNLOCK, BoltAction.PULL])
def test_where_a_bolt_has_come_to_is_known_before_a_client_polls_again(scenario: Scenario, action: BoltAction) -> None:
    async def test(watched: Watched) -> None:
        await asyncio.sleep(1)
        begun = await watched.service.operate_bolt(watched.lock, action, COMMAND_LINE)
        assert (await watched.known()).bolt is begun.bolt
        await asyncio.sleep(3.5)
        assert (await watched.known()).bolt is BoltState.UNLOCKED
        assert (await watched.events())[0] is AuditEvent[action.name]
        assert watched.sessions() == 2

    scenario(test)


def test_what_happens_at_the_keypad_is_stored_within_the_hour_without_anybody_asking(scenario: Scenario) -> None:
    async def test(watched: Watched) -> None:
        await watched.service.create_pin(watched.lock, pin("97531"), COMMAND_LINE)
        await asyncio.sleep(60)
        assert watched.desk.door.simulator.enter("97531").granted
        await asyncio.sleep(1000)
        assert AuditEvent.ENTRY_GRANTED not in await watched.events()
        await asyncio.sleep(3600)
        assert (await watched.events())[:2] == [AuditEvent.LOCK, AuditEvent.ENTRY_GRANTED]

    scenario(test)


def test_a_lock_that_is_looked_at_is_given_back_as_early_as_without_it(scenario: Scenario) -> None:
    async def test(watched: Watched) -> None:
        await asyncio.sleep(1)
        with watched.desk.engine.own(watched.lock.wire_id, "front"):
            pass
        await watched.service.status(watched.lock)
        await asyncio.sleep(19.9)
        with pytest.raises(LockHeld):
            watched.desk.engine.own(watched.lock.wire_id, "front")
        await asyncio.sleep(0.2)
        with watched.desk.engine.own(watched.lock.wire_id, "front"):
            pass

    scenario(test)


def test_a_lock_that_falls_silent_is_known_to_be_so(scenario: Scenario) -> None:
    async def test(watched: Watched) -> None:
        await asyncio.sleep(1)
        watched.desk.door.hub.ends.clear()
        await asyncio.sleep(3601)
        known = await watched.known()
        assert (known.reached, known.bolt) == (False, BoltState.LOCKED)

    scenario(test)
