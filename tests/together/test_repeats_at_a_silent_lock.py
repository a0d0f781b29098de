"""Requests that come again while the lock cannot be asked: what is known is told, and what is not stays unknown."""

import pytest

from bridge.errors import AckTimeout, KeyReused, LinkLost, Refused, Unreachable
from bridge.journal import Caller
from protocol.vocabulary import Status
from tests.together.desk import ALICE, BOB, KEYED, NEW, Desk, Link, Scenario
from tests.together.door import pin
from tests.together.links import Dead
from tests.virtual_time import virtual_loop


async def lose_the_answer(desk: Desk, caller: Caller = ALICE) -> None:
    """Let the lock create NEW and fall silent for good, and the bridge start anew."""
    await desk.get_ready()
    desk.link.deaf, desk.door.wrap = True, Dead
    with pytest.raises(AckTimeout):
        await desk.create(caller)
    await desk.restart()


@pytest.mark.parametrize("caller", [ALICE, KEYED], ids=repr)
def test_a_repetition_at_a_silent_lock_is_never_said_to_have_changed_nothing(
    scenario: Scenario, caller: Caller
) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk, caller)
        for _ in range(2):
            with pytest.raises(AckTimeout, match="the change may have been made or not"):
                await desk.create(caller)
        desk.door.wrap = Link
        await desk.restart()
        assert await desk.create(caller) == 1
        assert await desk.effects() == 1

    scenario(test)


@pytest.mark.parametrize("caller", [ALICE, KEYED], ids=repr)
def test_a_repetition_at_a_lock_that_is_gone_leaves_the_outcome_unknown_at_once(
    scenario: Scenario, caller: Caller
) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk, caller)
        ends, before = dict(desk.door.hub.ends), virtual_loop().time()
        desk.door.hub.ends.clear()
        with pytest.raises(LinkLost, match="the outcome is unknown"):
            await desk.create(caller)
        assert virtual_loop().time() == before
        desk.door.hub.ends.update(ends)
        desk.door.wrap = Link
        assert await desk.create(caller) == 1

    scenario(test)


@pytest.mark.parametrize("restarts", [False, True])
def test_another_request_at_a_silent_lock_has_changed_nothing(scenario: Scenario, restarts: bool) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        with pytest.raises(AckTimeout):
            await desk.create()
        if restarts:
            await desk.restart()
        for caller, entry in ((BOB, NEW), (KEYED, NEW), (ALICE, pin("86420"))):
            with pytest.raises(Unreachable, match="nothing was changed"):
                await desk.create(caller, entry)

    scenario(test)


def test_a_key_that_is_answered_meanwhile_leaves_open_what_is_open(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        assert await desk.create(KEYED, pin("86420")) == 1
        await desk.bolt()
        desk.link.deaf, desk.door.wrap = True, Dead
        with pytest.raises(AckTimeout):
            await desk.create()
        assert await desk.create(KEYED, pin("86420")) == 1
        with pytest.raises(AckTimeout):
            await desk.create()
        desk.door.wrap = Link
        await desk.restart()
        assert await desk.create() == 2

    scenario(test)


def test_a_bolt_at_a_silent_lock_is_another_request_each_time_unless_it_has_a_key(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await desk.get_ready()
        for caller, failure in ((ALICE, Unreachable), (KEYED, AckTimeout)):
            desk.link.deaf, desk.door.wrap = True, Dead
            with pytest.raises(AckTimeout):
                await desk.bolt(caller)
            with pytest.raises(failure):
                await desk.bolt(caller)
            desk.door.wrap = Link
            await desk.restart()
            await desk.get_ready()

    scenario(test)


@pytest.mark.parametrize("restarts", [False, True])
def test_what_a_key_has_done_is_told_without_the_lock(scenario: Scenario, restarts: bool) -> None:
    async def test(desk: Desk) -> None:
        assert await desk.create(KEYED) == 1
        with pytest.raises(Refused):
            await desk.create(other := Caller(token_id=1, key="other"))
        await (desk.restart() if restarts else desk.engine.forget(desk.record.id))
        desk.door.hub.ends.clear()
        assert await desk.create(KEYED) == 1
        with pytest.raises(Refused) as refusal:
            await desk.create(other)
        assert refusal.value.status is Status.EXISTS
        with pytest.raises(KeyReused):
            await desk.create(KEYED, pin("86420"))
        with pytest.raises(Unreachable):  # without a key it is another request
            await desk.create()
        assert desk.door.pins == {1: NEW}

    scenario(test)
