"""Who has been told what: an answer is told once it was given to somebody who was there, and while it is true."""

import asyncio
from dataclasses import replace

import pytest

from bridge.errors import AckTimeout, DamagedState
from bridge.journal import ChangeRecord, ChangeState, MemoryJournal
from tests.together.desk import ALICE, NEW, Desk, Scenario, lose_the_answer
from tests.together.door import pin


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_pin_that_another_bridge_has_taken_away_since_is_created_anew(scenario: Scenario, replaced: bool) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        keys = desk.door.new_keys()
        await desk.door.pair(keys)
        other = desk.door.client(keys)
        if replaced:
            await other.update_pin(1, pin("86420"))
        else:
            await other.delete_pin(1)
        await other.close()
        assert await desk.create() == 2
        assert desk.door.pins[2] == NEW

    scenario(test)


def test_whether_a_pin_is_still_there_is_unknown_while_the_lock_is_silent(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        await desk.ping()
        desk.link.mute = True
        with pytest.raises(AckTimeout):
            await desk.create()
        desk.link.mute = False
        assert await desk.create() == 1

    scenario(test)


def test_a_caller_who_has_gone_before_the_answer_came_may_ask_again(scenario: Scenario) -> None:
    async def gone() -> bool:
        return False

    async def test(desk: Desk) -> None:
        assert await desk.create(replace(ALICE, listens=gone)) == 1
        assert [record.told for record in desk.records] == [False]
        assert await desk.create() == 1
        assert await desk.effects() == 1

    scenario(test)


def test_a_bridge_that_is_killed_between_answer_and_journal_repeats_what_it_told(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: Desk) -> None:
        async def killed(*_: object, **__: object) -> None:
            raise DamagedState("killed")

        with monkeypatch.context() as patch:
            patch.setattr("bridge.changes.Changes.conclude", killed)
            assert await desk.create() == 1  # answered all the same
            await desk.restart()
        assert await desk.create() == 1
        assert await desk.effects() == 1

    scenario(test)


def test_what_was_answered_is_written_down_by_an_engine_that_ends_at_once(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(desk: Desk) -> None:
        save = MemoryJournal.save

        async def slowly(journal: MemoryJournal, record: ChangeRecord) -> None:
            await asyncio.sleep(1)
            await save(journal, record)

        monkeypatch.setattr(MemoryJournal, "save", slowly)
        assert await desk.create() == 1
        await desk.restart()
        assert [(record.state, record.told) for record in desk.records] == [(ChangeState.CONFIRMED, True)]

    scenario(test)


def test_the_next_change_is_not_refused_as_busy_once_its_answer_is_there(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        for number in range(1, 4):
            assert await desk.create(ALICE, pin(f"9753{number}")) == number

    scenario(test)


def test_a_lock_that_is_busy_when_it_is_asked_for_the_past_is_asked_again(scenario: Scenario) -> None:
    async def test(desk: Desk) -> None:
        await lose_the_answer(desk)
        await desk.restart()
        desk.door.simulator.keep_busy(2)
        assert await desk.create() == 1
        assert await desk.effects() == 1

    scenario(test)
