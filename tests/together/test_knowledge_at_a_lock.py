"""What a bridge knows of a lock without asking it, and what happened there, as its registry holds it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.activity import Item
from bridge.audit import Gap, Replaced
from bridge.config import Settings
from bridge.errors import BoltUnknown, DamagedState, LockHeld, Unreachable
from bridge.journal import COMMAND_LINE, Caller
from bridge.links import Link
from bridge.pairing import PairingWish
from bridge.records import BoltOperation, LockRecord
from bridge.service import Service, open_service
from bridge.states import KnownState
from bridge.store.activity import SqlActivity
from bridge.store.states import SqlStates
from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator, seeded_entropy
from hil.bench.inprocess import InProcessLock
from protocol.framing import Kind
from protocol.vocabulary import AuditEvent, AuditRecord, BoltAction, BoltState, Capability, Cause, Denial, DoorState
from tests.together.door import pin
from tests.together.links import Dead, Deaf, Whole
from tests.together.pairings import Workshop, workshop

WISH = PairingWish(target="memory:front", name="front", zone="UTC", id=123)
KEYED = Caller(token_id=1, key="drawn")
RING = 128


class Front:
    """A service at a paired lock whose time passes only when it is told to."""

    def __init__(self, made: Workshop, service: Service, lock: LockRecord) -> None:
        self.made = made
        self.service = service
        self.lock = lock

    @property
    def simulator(self) -> Simulator:
        return self.made.locks["front"]

    async def operate(self, action: BoltAction, caller: Caller = COMMAND_LINE) -> BoltOperation:
        return await self.service.operate_bolt(self.lock, action, caller)

    async def known(self) -> KnownState:
        (known,) = await self.service.known_states([self.lock])
        return known

    async def items(self) -> list[Item]:
        """Return everything that happened, oldest first, newly read."""
        return [entry.item for entry in reversed(await self.service.activity(self.lock, 1000))]

    async def events(self) -> list[AuditEvent]:
        """Return what happened since the lock knew the bridge, oldest first."""
        told = [item.event for item in await self.items() if isinstance(item, AuditRecord)]
        return told[told.index(AuditEvent.CLOCK_SET) + 1 :]

    def enter_and_wait(self, digits: str) -> None:
        """Type a pin that opens, and let the bolt be thrown again."""
        assert self.simulator.enter(digits).granted
        self.simulator.pass_time(10)


Scenario = Callable[[Callable[[Front], Awaitable[None]]], None]


def put_up(made: Workshop, seed: int = 7) -> None:
    """Put up the front lock on a new flash; of one seed, it has the same number and label each time."""
    lock = Simulator(NorFlash(GEOMETRY), slots=5, entropy=seeded_entropy(seed), now=lambda: 0)
    lock.hold_button(5)
    made.locks["front"] = lock
    made.hub.ends["front"] = InProcessLock(lock)


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    async def opened(test: Callable[[Front], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as made:
            made.stop()
            made.settings = replace(made.settings, fresh=0)  # hands are at the keypad between one look and the next
            put_up(made)
            async with made.process() as service:
                await test(Front(made, service, await service.pair(WISH, made.label)))

    return lambda test: asyncio.run(opened(test))


def test_of_a_lock_that_has_told_nothing_nothing_is_known_and_no_link_is_opened_to_learn_it(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        opened = len(front.made.links)
        assert await front.known() == KnownState()
        assert len(front.made.links) == opened

    scenario(test)


def test_what_is_asked_anyway_is_remembered_with_its_time(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        before = datetime.now(UTC)
        info = await front.service.info(front.lock)
        status = await front.service.status(front.lock)
        known = await front.known()
        assert known.info_told is not None
        assert known.state_told is not None
        assert before <= known.info_told <= known.state_told <= datetime.now(UTC)
        told = (known.serial, known.firmware_version, known.capabilities, known.bolt, known.door, known.battery)
        assert told == (
            info.serial,
            info.firmware_version,
            info.capabilities,
            BoltState.LOCKED,
            DoorState(status.door),
            status.battery,
        )
        assert Capability.BOLT in known.capabilities

    scenario(test)


def test_a_checklist_renews_what_is_known_and_whether_the_lock_was_reached(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        assert await front.service.diagnose(front.lock)
        known = await front.known()
        assert (known.reached, known.bolt) == (True, BoltState.LOCKED)
        assert known.serial is not None
        ends = dict(front.made.hub.ends)
        front.made.hub.ends.clear()
        async with restarted(front) as again:
            assert await again.service.diagnose(front.lock)
            assert await again.known() == replace(known, reached=False)
        front.made.hub.ends.update(ends)

    scenario(test)


def test_an_operation_is_known_as_it_begins_and_the_next_look_tells_where_it_ended(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        begun = await front.operate(BoltAction.UNLOCK)
        known = await front.known()
        assert (known.bolt, known.bolt_since) == (BoltState.UNLOCKING, begun.begun)
        front.simulator.pass_time(1)
        assert await front.events() == [AuditEvent.UNLOCK]
        known = await front.known()
        assert known.bolt is BoltState.UNLOCKED
        assert known.bolt_since
        assert known.bolt_since > begun.begun

    scenario(test)


def test_the_same_key_again_moves_nothing_answers_the_same_and_takes_no_later_state_back(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        first = await front.operate(BoltAction.UNLOCK, KEYED)
        front.simulator.pass_time(1)
        assert (await front.service.status(front.lock)).bolt is BoltState.UNLOCKED
        assert await front.operate(BoltAction.UNLOCK, KEYED) == first
        assert (await front.known()).bolt is BoltState.UNLOCKED
        assert await front.events() == [AuditEvent.UNLOCK]

    scenario(test)


def test_a_bolt_that_is_there_already_tells_so_and_nothing_happens(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        assert (await front.operate(BoltAction.LOCK)).bolt is BoltState.LOCKED
        assert await front.events() == []

    scenario(test)


def test_a_jam_is_known_and_told_and_the_next_operation_is_not_refused_for_it(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        front.simulator.block_bolt(blocked=True)
        await front.operate(BoltAction.UNLOCK)
        front.simulator.pass_time(1)
        assert await front.events() == [AuditEvent.UNLOCK, AuditEvent.JAM]
        known = await front.known()
        assert (known.bolt, known.jammed) == (BoltState.UNKNOWN, True)
        front.simulator.block_bolt(blocked=False)
        assert (await front.operate(BoltAction.LOCK)).bolt is BoltState.LOCKING
        assert not (await front.known()).jammed

    scenario(test)


def test_what_happened_at_the_door_is_told_with_who_did_it(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        pin_id = await front.service.create_pin(front.lock, pin("97531"), COMMAND_LINE)
        front.enter_and_wait("97531")
        front.simulator.enter("86420")
        await front.operate(BoltAction.PULL)
        granted, thrown, denied, pulled = (await front.items())[-4:]
        assert isinstance(granted, AuditRecord)
        assert (granted.event, granted.cause, granted.pin_id) == (AuditEvent.ENTRY_GRANTED, Cause.KEYPAD, pin_id)
        assert isinstance(thrown, AuditRecord)
        assert (thrown.event, thrown.cause) == (AuditEvent.LOCK, Cause.AUTOMATIC)
        assert isinstance(denied, AuditRecord)
        assert (denied.event, Denial(denied.detail)) == (AuditEvent.ENTRY_DENIED, Denial.UNKNOWN)
        assert isinstance(pulled, AuditRecord)
        assert (pulled.event, pulled.cause) == (AuditEvent.PULL, Cause.REQUEST)

    scenario(test)


def test_a_ring_that_was_overwritten_before_it_was_read_shows_its_gap(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await front.service.create_pin(front.lock, pin("97531"), COMMAND_LINE)
        before = await front.items()
        for _ in range(RING):  # each is two records
            front.enter_and_wait("97531")
        last = front.simulator.snapshot().audit_last
        items = await front.items()
        assert items[: len(before)] == before
        gap, *after = items[len(before) :]
        assert gap == Gap(first=len(before) + 1, last=last - RING)
        numbers = [item.sequence for item in after if isinstance(item, AuditRecord)]
        assert numbers == list(range(last - RING + 1, last + 1))

    scenario(test)


def test_a_lock_on_another_flash_is_read_from_its_first_record(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        for _ in range(4):
            front.simulator.enter("97531")
        before = await front.items()
        front.simulator.stop()
        put_up(front.made)
        async with restarted(front) as again:
            again.lock = await again.service.pair(WISH, front.made.label)
            items = await again.items()
        assert items[: len(before)] == before
        replacement, first, *_ = items[len(before) :]
        assert replacement == Replaced()
        assert isinstance(first, AuditRecord)
        assert (first.sequence, first.event) == (1, AuditEvent.POWER_ON)

    scenario(test)


def test_two_bridges_read_everything_each(scenario: Scenario, tmp_path: Path) -> None:
    async def test(front: Front) -> None:
        settings = Settings(state_dir=tmp_path / "other", fresh=0)
        async with open_service(settings, command="latchwire serve", hub=front.made.hub) as service:
            front.simulator.hold_button(5)
            other = Front(front.made, service, await service.pair(WISH, front.made.label))
            await front.service.create_pin(front.lock, pin("97531"), COMMAND_LINE)
            for reader in (front, other, other, front):
                front.enter_and_wait("97531")
                last = front.simulator.snapshot().audit_last
                numbers = {item.sequence for item in await reader.items() if isinstance(item, AuditRecord)}
                assert numbers == set(range(1, last + 1))
            assert await other.items() == await front.items()

    scenario(test)


def test_a_silent_lock_is_answered_for_from_what_is_stored(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(front: Front) -> None:
        stored = await front.items()
        monkeypatch.setattr("bridge.service.ASKED_FOR", 0.05)
        front.made.wrap = Dead
        front.simulator.enter("86420")
        async with restarted(front) as again:
            assert await again.items() == stored
            opened = len(front.made.links)
            older = await again.service.activity(front.lock, 1000, datetime.now(UTC) + timedelta(hours=1))
            assert [entry.item for entry in reversed(older)] == stored
            assert len(front.made.links) == opened

    scenario(test)


@asynccontextmanager
async def restarted(front: Front) -> AsyncIterator[Front]:
    """Run another process of the bridge beside the first, which holds the lock no more."""
    await front.service._engine.close()
    async with front.made.process() as service:
        yield Front(front.made, service, front.lock)


def test_when_a_lock_was_last_read_is_known_to_the_next_process(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        assert await front.service._knowledge.last_look(front.lock) is None
        before = datetime.now(UTC)
        await front.items()
        async with restarted(front) as again:
            last = await again.service._knowledge.last_look(front.lock)
        assert last is not None
        assert before <= last <= datetime.now(UTC)

    scenario(test)


def test_whether_the_last_request_was_answered_is_known(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await front.service.list_pins(front.lock)
        assert (await front.known()).reached
        ends = dict(front.made.hub.ends)
        front.made.hub.ends.clear()
        async with restarted(front) as again:
            assert (await again.known()).reached
            with pytest.raises(Unreachable):
                await again.service.list_pins(front.lock)
            assert not (await again.known()).reached
            front.made.hub.ends.update(ends)
            await again.service.list_pins(front.lock)
            assert (await again.known()).reached

    scenario(test)


def test_a_lock_that_another_process_holds_is_neither_reached_nor_lost(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await front.service.status(front.lock)
        async with front.made.process() as other:
            with pytest.raises(LockHeld):
                await other.status(front.lock)
        assert (await front.known()).reached

    scenario(test)


def test_a_bolt_whose_answer_is_lost_is_unknown_in_words_that_do_not_invite_to_repeat(scenario: Scenario) -> None:
    async def test(front: Front) -> None:
        await front.operate(BoltAction.LOCK)
        link, engine = front.made.links[-1], front.service._engine
        assert isinstance(link, Lossy)
        link.kinds = set(Kind)
        engine.settings = replace(engine.settings, deadline=1)
        with pytest.raises(BoltUnknown, match="would move the bolt once more"):
            await front.operate(BoltAction.UNLOCK)

    class Lossy(Deaf):
        ack_timeout = 0.01

    def wrapped(link: Link) -> Whole:
        return Lossy(link)

    async def hurried(front: Front) -> None:
        front.made.wrap = wrapped
        async with restarted(front) as again:
            await test(again)

    scenario(hurried)


@pytest.mark.parametrize("asked", [Service.status, Service.info])
def test_what_cannot_be_written_down_is_told_all_the_same(
    scenario: Scenario,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    asked: Callable[[Service, LockRecord], Awaitable[object]],
) -> None:
    async def full(*_arguments: object) -> None:
        raise DamagedState("The disk is full.")

    async def test(front: Front) -> None:
        monkeypatch.setattr(SqlStates, "renew", full)
        assert await asked(front.service, front.lock)
        assert (await front.operate(BoltAction.UNLOCK)).bolt is BoltState.UNLOCKING

    scenario(test)
    assert "What the lock front has told was not written down. The disk is full." in caplog.text


def test_activity_that_cannot_be_stored_is_read_again(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_arguments: object) -> None:
        raise DamagedState("The disk is full.")

    async def test(front: Front) -> None:
        with monkeypatch.context() as damage:
            damage.setattr(SqlActivity, "append", full)
            assert await front.items() == []
        numbers = [item.sequence for item in await front.items() if isinstance(item, AuditRecord)]
        assert numbers == list(range(1, front.simulator.snapshot().audit_last + 1))

    scenario(test)
