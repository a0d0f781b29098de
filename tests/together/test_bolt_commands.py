"""Opening and closing from the command line: where the bolt rests, and what is said where it does not get there."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge.errors import AckTimeout, Refused
from bridge.journal import COMMAND_LINE
from bridge.records import LockRecord
from firmware_sim.requests import Requests
from protocol.messages.declaration import Refusal
from protocol.vocabulary import BoltAction, BoltState, Status
from tests.together.links import Losing
from tests.together.pairings import Workshop, workshop
from tests.together.processes import EVERY_WAY, Place

Scenario = Callable[[Callable[[Workshop, LockRecord], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a workshop whose front lock is paired, with a bridge that looks at bolts often."""
    monkeypatch.setattr("bridge.bolts._PAUSE", 0.01)
    monkeypatch.setattr("bridge.bolts._LOOKS", 1000)

    async def opened(test: Callable[[Workshop, LockRecord], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop, await shop.pair())

    return lambda test: asyncio.run(opened(test))


async def move(shop: Workshop, record: LockRecord, action: BoltAction) -> tuple[BoltState, bool]:
    async with shop.process() as service:
        status = await service.move_bolt(record, action, COMMAND_LINE)
    return status.bolt, status.jammed


def test_each_action_is_waited_for_until_the_bolt_rests(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        assert await move(shop, record, BoltAction.UNLOCK) == (BoltState.UNLOCKED, False)
        assert await move(shop, record, BoltAction.PULL) == (BoltState.PULLED, False)
        shop.locks["front"].power_cycle()
        assert await move(shop, record, BoltAction.LOCK) == (BoltState.LOCKED, False)
        assert await move(shop, record, BoltAction.LOCK) == (BoltState.LOCKED, False)

    scenario(test)


@pytest.mark.parametrize(
    ("answered", "words"), [(4, "its bolt may have been moved or not"), (5, "has begun to move its bolt")]
)
def test_a_bolt_that_is_not_answered_for_is_an_unknown_outcome(scenario: Scenario, answered: int, words: str) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        shop.hurry()
        shop.wrap = lambda link: Losing(link, answers=range(answered, 1000))  # the fifth is that of the operation
        with pytest.raises(AckTimeout, match=words):
            await move(shop, record, BoltAction.UNLOCK)
        assert shop.locks["front"].snapshot().bolt is not BoltState.LOCKED

    scenario(test)


@pytest.mark.parametrize(
    ("action", "words"), [(BoltAction.PULL, "has no latch to pull"), (BoltAction.UNLOCK, "moves by hand alone")]
)
def test_a_lock_that_cannot_do_it_is_told_in_a_sentence(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, action: BoltAction, words: str
) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        with pytest.raises(Refused, match=words):
            await move(shop, record, action)

    monkeypatch.setattr(Requests, "operate_bolt", lambda *_: Refusal(status=Status.UNSUPPORTED))
    scenario(test)


def test_a_busy_bolt_is_told_as_busy(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        with pytest.raises(Refused, match="busy with something else") as refusal:
            await move(shop, record, BoltAction.LOCK)
        assert refusal.value.status is Status.BUSY

    monkeypatch.setattr(Requests, "operate_bolt", lambda *_: Refusal(status=Status.BUSY))
    scenario(test)


@EVERY_WAY
def test_the_commands_say_where_the_bolt_is(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        opened = bench.here("open", "front", "--json")
        assert (opened.code, opened.json()["bolt"]) == (0, "unlocked")
        assert bench.here("close", "front").out == "The bolt of front is thrown.\n"
        pulled = bench.here("open", "front", "--pull")
        assert (pulled.code, pulled.out) == (0, "Bolt and latch of front are drawn: push the door.\n")


@EVERY_WAY
def test_a_bolt_that_jams_is_exit_code_4_and_says_what_to_look_for(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        assert bench.here("sim", "door", "--blocked", "--control", bench.path("ctl")).code == 0
        jammed = bench.here("open", "front")
        assert (jammed.code, "is jammed" in jammed.out) == (4, True)
        as_json = bench.here("open", "front", "--json")
        assert (as_json.code, as_json.json()["jammed"]) == (4, True)


@EVERY_WAY
def test_what_is_known_of_the_lock_is_where_the_commands_have_left_its_bolt(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        for command, state in (("open", BoltState.UNLOCKED), ("close", BoltState.LOCKED)):
            assert bench.here(command, "front").code == 0
            with closing(sqlite3.connect(bench.state / "latchwire.db")) as registry:
                assert registry.execute("SELECT bolt FROM states").fetchall() == [(state,)]
