"""The owner task of a lock, in virtual time: order, deadlines, callers that go away. These rules need no lock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import AckTimeout, LockBusy, NotPaired, Unreachable
from bridge.journal import COMMAND_LINE
from bridge.links import MemoryHub
from bridge.records import LockRecord, PairingState
from bridge.store.folder import StateFolder
from bridge.store.keys import BridgeKeys
from tests.virtual_time import run, virtual_loop

FRONT = LockRecord(
    id=1,
    name="front",
    target="memory:front",
    wire_id=0xA0B0C0D0,
    public_key=bytes(32),
    state=PairingState.PAIRED,
    zone="UTC",
    version=1,
)
BACK = replace(FRONT, id=2, name="back", target="memory:back", wire_id=0xA0B0C0D1)


class Bench:
    """An engine, and operations that say when they began and ended."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(
            Settings(state_dir=folder),
            StateFolder.open(folder),
            BridgeKeys(static_private=bytes(range(32)), hmac_key=bytes(32)),
            command="latchwire test",
            hub=MemoryHub(),
        )
        self.diary: list[tuple[str, float]] = []

    async def last(self, client: LockClient, name: str, seconds: float) -> str:
        """Take so many seconds, as a change that was sent and is not answered."""
        assert isinstance(client, LockClient)
        client.unanswered = True
        self.note(f"{name} begins")
        await asyncio.sleep(seconds)
        self.note(f"{name} ends")
        return name

    async def fail(self, client: LockClient) -> None:
        del client
        raise ZeroDivisionError

    def note(self, what: str) -> None:
        self.diary.append((what, round(virtual_loop().time(), 3)))

    def read(self, name: str, seconds: float, lock: LockRecord = FRONT) -> "asyncio.Task[str]":
        return asyncio.create_task(self.engine.read(lock, self.last, name, seconds))

    def change(self, name: str, seconds: float, lock: LockRecord = FRONT) -> "asyncio.Task[str]":
        return asyncio.create_task(self.engine.change(lock, COMMAND_LINE, self.last, name, seconds))


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Run a test with an engine that is closed at its end."""

    async def opened_and_closed(test: Callable[[Bench], Awaitable[None]]) -> None:
        bench = Bench(tmp_path / "state")
        try:
            await test(bench)
        finally:
            await bench.engine.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    return lambda test: run(opened_and_closed(test))


Scenario = Callable[[Callable[[Bench], Awaitable[None]]], None]


def test_reads_wait_for_each_other_and_for_a_change(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        done = await asyncio.gather(bench.read("a", 1), bench.change("b", 2), bench.read("c", 1))
        assert list(done) == ["a", "b", "c"]
        assert bench.diary == [
            ("a begins", 0), ("a ends", 1), ("b begins", 1), ("b ends", 3), ("c begins", 3), ("c ends", 4),
        ]  # fmt: skip

    scenario(test)


def test_locks_do_not_wait_for_each_other(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        await asyncio.gather(bench.change("a", 2), bench.change("b", 1, BACK))
        assert bench.diary == [("a begins", 0), ("b begins", 0), ("b ends", 1), ("a ends", 2)]

    scenario(test)


@pytest.mark.parametrize("reads_before", [0, 1])
def test_a_change_beside_another_that_runs_or_waits_is_busy_at_once(scenario: Scenario, reads_before: int) -> None:
    async def test(bench: Bench) -> None:
        running = [bench.read("a", 1) for _ in range(reads_before)] + [bench.change("b", 1)]
        for at in (0.5, 0.5 + reads_before):
            await asyncio.sleep(at - virtual_loop().time())
            with pytest.raises(LockBusy, match="Another request is being processed for the lock front"):
                await bench.change("c", 1)
            assert virtual_loop().time() == pytest.approx(at, abs=1e-5)
        await bench.read("d", 1)
        await asyncio.gather(*running)
        assert await bench.change("e", 1) == "e"
        assert "c begins" not in dict(bench.diary)

    scenario(test)


@pytest.mark.parametrize("failing", [True, False])
def test_a_change_that_fails_or_times_out_makes_room_for_the_next(scenario: Scenario, failing: bool) -> None:
    async def test(bench: Bench) -> None:
        if failing:
            with pytest.raises(ZeroDivisionError):
                await bench.engine.change(FRONT, COMMAND_LINE, bench.fail)
        else:
            with pytest.raises(AckTimeout):
                await bench.change("slow", 9)
        assert await bench.change("next", 1) == "next"

    scenario(test)


def test_the_deadline_of_a_change_says_that_its_outcome_is_unknown(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(AckTimeout) as failure:
            await bench.change("slow", 9)
        assert str(failure.value) == (
            "The lock front has not acknowledged within 8 s: the change may have been made or not. "
            "Ask the same again within 10 minutes to learn it."
        )
        assert virtual_loop().time() == pytest.approx(8, abs=1e-5)

    scenario(test)


def test_the_deadline_of_a_change_that_was_never_sent_says_that_nothing_was_changed(scenario: Scenario) -> None:
    async def waits(_: LockClient) -> None:
        await asyncio.sleep(9)

    async def test(bench: Bench) -> None:
        with pytest.raises(Unreachable, match="nothing was changed"):
            await bench.engine.change(FRONT, COMMAND_LINE, waits)

    scenario(test)


def test_the_deadline_of_a_read_says_that_the_lock_is_silent(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(Unreachable, match=r"^The lock front has not answered within 8 s\. Is it powered\?"):
            await bench.read("slow", 9)

    scenario(test)


def test_the_deadline_counts_from_the_asking_so_that_nobody_waits_longer(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        first = bench.read("first", 9)
        await asyncio.sleep(3)
        second = bench.read("second", 9)
        third = bench.change("third", 2)
        for task, end, failure in ((first, 8, Unreachable), (second, 11, Unreachable), (third, 11, AckTimeout)):
            with pytest.raises(failure):
                await task
            assert virtual_loop().time() == pytest.approx(end, abs=1e-5)

    scenario(test)


def test_a_failure_reaches_its_caller_alone_and_the_owner_lives_on(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(ZeroDivisionError):
            await bench.engine.read(FRONT, bench.fail)
        with pytest.raises(Unreachable, match="memory:front"):
            await bench.engine.read(FRONT, LockClient.ping)
        assert await bench.read("next", 1) == "next"

    scenario(test)


def test_work_goes_on_when_its_caller_goes_away_and_the_next_result_is_the_next_ones(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        gone = bench.change("gone", 2)
        await asyncio.sleep(1)
        gone.cancel()
        following = bench.read("following", 1)
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(LockBusy):  # it still runs
            await bench.change("other", 1)
        assert await following == "following"
        assert ("gone ends", 2) in bench.diary
        assert ("following begins", 2) in bench.diary
        assert await bench.change("other", 1) == "other"

    scenario(test)


def test_work_whose_caller_goes_away_before_it_began_is_never_done(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        first, gone, third = bench.read("first", 2), bench.change("gone", 1), bench.read("third", 1)
        await asyncio.sleep(1)
        gone.cancel()
        assert list(await asyncio.gather(first, third)) == ["first", "third"]
        assert [what for what, _ in bench.diary if "gone" in what] == []
        assert await bench.change("next", 1) == "next"

    scenario(test)


def test_a_failure_that_nobody_waits_for_any_more_is_no_trouble(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        gone = bench.read("gone", 99)
        await asyncio.sleep(1)
        gone.cancel()
        assert await bench.read("next", 0) == "next"
        assert virtual_loop().time() == pytest.approx(8, abs=1e-5)

    scenario(test)


def test_closing_cancels_what_runs_and_what_waits(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        tasks = [bench.change("a", 5), bench.read("b", 1), bench.read("c", 1), bench.read("d", 1, BACK)]
        await asyncio.sleep(0.5)
        await bench.engine.close()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in done] == [asyncio.CancelledError] * 4
        assert [what for what, _ in bench.diary] == ["a begins", "d begins"]
        assert await bench.change("again", 1) == "again"  # whoever comes later starts a new owner

    scenario(test)


def test_forgetting_ends_one_owner_and_an_unknown_one_is_no_error(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        front, back = bench.read("a", 1), bench.read("b", 1, BACK)
        await asyncio.sleep(0.5)
        await bench.engine.forget(FRONT.id)
        await bench.engine.forget(99)
        assert await back == "b"
        with pytest.raises(asyncio.CancelledError):
            await front

    scenario(test)


def test_a_lock_that_is_not_paired_is_not_asked(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        for state in (PairingState.UNPAIRED, PairingState.UNCONFIRMED):
            for ask in (bench.read, bench.change):
                with pytest.raises(NotPaired, match="The lock front is not paired"):
                    await ask("a", 1, replace(FRONT, state=state))
        assert bench.diary == []

    scenario(test)


@pytest.mark.parametrize("failure", [OSError("the disk is full"), ZeroDivisionError()], ids=repr)
def test_an_owner_that_cannot_let_go_or_has_died_does_not_make_callers_wait(
    scenario: Callable[[Callable[[Bench], Awaitable[None]]], None], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def fails(_: LockClient) -> None:
        raise failure

    async def test(bench: Bench) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(LockClient, "close", fails)
            assert await bench.read("a", 1) == "a"
            await asyncio.sleep(60)  # the owner lets go of an idle lock
            assert await bench.read("b", 1) == "b"

    scenario(test)
