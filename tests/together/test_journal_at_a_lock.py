"""What becomes of changes whose answer never came: one effect each, and an outcome that is told."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.errors import AckTimeout, DamagedState, KeyReused, Refused, Unreachable
from bridge.journal import Caller, ChangeRecord, ChangeState, MemoryJournal
from protocol.codec import decode_request, fingerprint
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.declaration import Request
from protocol.registry import AnyMessage
from protocol.vocabulary import BoltAction, Status
from tests.together.desk import BOB, KEYED, NEW, Desk, Link, Scenario, lose_the_answer
from tests.together.door import pin
from tests.virtual_time import virtual_loop


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every body that the lock has opened."""
    seen: list[bytes] = []

    def watched(body: bytes) -> tuple[AnyMessage, Request]:
        seen.append(body)
        return decode_request(body)

    monkeypatch.setattr("firmware_sim.firmware.decode_request", watched)
    return seen


def bolts(opened: list[bytes]) -> int:
    return sum(isinstance(decode_request(body)[1], BoltOperateRequest) for body in opened)


def test_an_outcome_that_was_unknown_is_known_after_the_next_request(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        await desk.ping()
        assert [(record.state, record.told) for record in desk.records] == [(ChangeState.CONFIRMED, False)]

    scenario(test)


def test_the_same_request_again_is_the_same_change(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        assert await desk.create() == 1
        assert await desk.effects() == 1
        with pytest.raises(Refused) as refusal:  # it is told now: this one asks for another
            await desk.create()
        assert refusal.value.status is Status.EXISTS

    scenario(test)


def test_what_the_lock_never_heard_is_done_when_it_is_asked_again(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await desk.get_ready()
        desk.link.mute = True
        with pytest.raises(AckTimeout):
            await desk.create()
        desk.link.mute = False
        assert await desk.create() == 1
        assert [record.state for record in desk.records] == [ChangeState.NOT_DONE, ChangeState.CONFIRMED]
        assert await desk.effects() == 1

    scenario(test)


def test_another_token_does_not_get_this_ones_outcome(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        with pytest.raises(Refused):
            await desk.create(BOB)
        assert await desk.create() == 1

    scenario(test)


@pytest.mark.parametrize(("seconds", "adopted"), [(550, True), (650, False)])
def test_a_request_without_a_key_is_the_same_for_ten_minutes(scenario: Scenario, seconds: int, adopted: bool) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        await desk.ping()
        desk.door.ahead += seconds
        if adopted:
            assert await desk.create() == 1
        else:
            with pytest.raises(Refused):
                await desk.create()

    scenario(test)


def test_a_pin_that_was_deleted_since_is_created_anew(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        await desk.engine.change(desk.record, BOB, lambda client: client.delete_pin(1))
        await desk.create()
        assert list(desk.door.pins.values()) == [NEW]
        assert await desk.effects() == 3

    scenario(test)


def test_a_key_is_good_for_one_change(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        assert [await desk.create(KEYED), await desk.create(KEYED)] == [1, 1]
        await desk.restart()
        assert await desk.create(KEYED) == 1
        with pytest.raises(KeyReused):
            await desk.create(KEYED, pin("86420"))
        with pytest.raises(KeyReused):
            await desk.bolt(KEYED)
        assert await desk.create(Caller(token_id=2, key=KEYED.key), pin("86420")) == 2
        assert await desk.effects() == 2

    scenario(test)


def test_a_key_is_forgotten_after_a_day(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await desk.create(KEYED)
        desk.door.ahead += 86_401
        assert await desk.create(KEYED, pin("86420")) == 2

    scenario(test)


def test_an_outcome_is_learned_in_the_background_once_the_lock_answers(scenario: Scenario) -> None:
    class Silent(Link):
        deaf = True

    async def test(desk: Desk) -> None:
        background = asyncio.create_task(desk.resolver().run())
        await desk.get_ready()
        desk.door.wrap = Silent
        desk.link.deaf = True
        with pytest.raises(AckTimeout):
            await desk.create()
        await asyncio.sleep(300)
        assert [record.state for record in desk.records] == [ChangeState.UNCONFIRMED]
        desk.door.wrap = Link
        desk.link.deaf = False
        await asyncio.sleep(70)
        assert [record.state for record in desk.records] == [ChangeState.CONFIRMED]
        background.cancel()

    scenario(test)


def test_what_a_crash_has_left_is_learned_at_the_next_start(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await desk.get_ready()
        desk.link.deaf = True
        asking = asyncio.create_task(desk.create())
        await asyncio.sleep(0.1)
        await desk.restart()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert [record.state for record in desk.records] == [ChangeState.PENDING]
        background = asyncio.create_task(desk.resolver().run())
        await asyncio.sleep(0.5)
        assert [record.state for record in desk.records] == [ChangeState.CONFIRMED]
        background.cancel()

    scenario(test)


def test_a_change_that_cannot_be_written_down_is_not_sent(scenario: Scenario) -> None:
    class Full(MemoryJournal):
        async def begin(self, _record: ChangeRecord) -> ChangeRecord:
            raise DamagedState("The disk is full.")

    async def test(desk: Desk) -> None:
        desk.journal = Full()
        await desk.restart()
        with pytest.raises(DamagedState):
            await desk.create()
        assert desk.door.pins == {}
        assert await desk.ping() == b"?"

    scenario(test)


def test_an_outcome_that_cannot_be_written_down_is_told_and_learned_anew_in_the_next_session(
    scenario: Scenario,
) -> None:
    class Failing(MemoryJournal):
        fails = True

        async def save(self, record: ChangeRecord) -> None:
            if self.fails:
                raise DamagedState("The disk is full.")
            await super().save(record)

    async def test(desk: Desk) -> None:
        desk.journal = journal = Failing()
        await desk.restart()
        assert await desk.create() == 1
        assert [record.state for record in desk.records] == [ChangeState.PENDING]
        journal.fails = False
        assert await desk.create() == 1
        assert await desk.effects() == 1

    scenario(test)


def test_a_bolt_that_was_asked_for_is_not_asked_again_when_the_answer_is_lost(
    scenario: Scenario, opened: list[bytes]
) -> None:
    async def test(desk: Desk) -> None:
        await desk.get_ready()
        desk.link.deaf = True
        with pytest.raises(AckTimeout):
            await desk.bolt(KEYED)
        desk.link.deaf = False
        await desk.bolt(KEYED)
        assert await desk.effects() == 1

    scenario(test)
    assert bolts(opened) == 1


def test_a_lock_that_never_heard_of_it_does_not_move_its_bolt_later(scenario: Scenario, opened: list[bytes]) -> None:
    async def test(desk: Desk) -> None:
        await desk.get_ready()
        desk.link.mute = True
        asking = asyncio.create_task(desk.bolt())
        await asyncio.sleep(3)
        desk.link.mute = False
        with pytest.raises(Unreachable, match="nothing was changed"):
            await asking
        assert virtual_loop().time() < 8
        assert [record.state for record in desk.records] == [ChangeState.NOT_DONE]

    scenario(test)
    assert bolts(opened) == 0


def test_the_same_bolt_request_again_moves_it_again_where_there_is_no_key(
    scenario: Scenario, opened: list[bytes]
) -> None:
    async def test(desk: Desk) -> None:
        await desk.bolt(action=BoltAction.UNLOCK)
        await asyncio.sleep(30)
        await desk.bolt(action=BoltAction.UNLOCK)

    scenario(test)
    assert bolts(opened) == 2


def test_no_record_holds_anything_of_the_request_that_could_be_guessed(scenario: Scenario, opened: list[bytes]) -> None:
    async def test(desk: Desk) -> None:
        await desk.create(Caller(token_id=1, key=NEW.digits))
        (record,) = desk.records
        kept = repr(record).encode() + record.mark + record.request_mark + record.answer
        assert NEW.digits.encode() not in kept
        for body in opened:
            assert fingerprint(body) not in kept
            assert fingerprint(body).hex().encode() not in kept

    scenario(test)


@pytest.mark.parametrize("change", [Desk.create, Desk.bolt])
def test_a_bridge_that_dies_anywhere_makes_a_change_once(
    scenario: Scenario, change: Callable[[Desk, Caller], Awaitable[object]]
) -> None:
    async def dies_after(steps: int, desk: Desk) -> bool:
        asking = asyncio.ensure_future(change(desk, KEYED))
        for _ in range(steps):
            await asyncio.sleep(0)
        ended = asking.done()
        await desk.restart()
        await asyncio.gather(asking, return_exceptions=True)
        await change(desk, KEYED)
        assert await desk.effects() == 1, steps
        assert await desk.journal.unresolved_locks() == frozenset()
        return ended

    ends: list[bool] = []

    async def test(desk: Desk) -> None:
        ends.append(await dies_after(len(ends), desk))

    while not ends or not ends[-1]:
        scenario(test)
    assert len(ends) > 10
