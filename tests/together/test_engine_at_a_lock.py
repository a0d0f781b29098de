"""The engine at a simulated lock, in virtual time: whom the lock belongs to, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.client import LockClient
from bridge.config import Settings
from bridge.engine import Engine
from bridge.errors import AckTimeout, LinkLost, LockBusy, LockHeld, NotPaired, Unreachable
from bridge.journal import COMMAND_LINE
from bridge.links import MemoryHub, open_link
from bridge.records import LockRecord, PairingState
from bridge.store.folder import StateFolder
from bridge.store.ownership import Ownership
from protocol.framing import Kind
from protocol.vocabulary import PinEntry
from tests.together.door import Door, open_door, pin
from tests.together.links import Cut, Dead, Deaf, Delayed, Losing, Whole
from tests.virtual_time import run, virtual_loop

NEW = pin("97531")


class Bench:
    """A door, and an engine whose links go through the door's double."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self.folder = StateFolder.open(folder)
        settings = Settings(state_dir=folder)
        self.engine = Engine(settings, self.folder, door.keys, command="latchwire serve", hub=door.hub)
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

    async def create(self, entry: PinEntry = NEW) -> int:
        return (await self.engine.change(self.record, COMMAND_LINE, LockClient.create_pin, entry)).id

    async def ping(self) -> bytes:
        return await self.engine.read(self.record, LockClient.ping, b"?")

    async def visit(self) -> bytes:
        return await self.engine.visit(self.record, LockClient.ping, b"?")

    def taken(self) -> bool:
        """Whether a process holds the lock, as another process would see it."""
        try:
            self.take().release()
        except LockHeld:
            return True
        return False

    def take(self) -> Ownership:
        now = datetime(2026, 11, 23, tzinfo=UTC)
        return Ownership.acquire(
            self.folder, self.record.wire_id, self.record.name, command="latchwire pin", idle=20, now=now
        )


Scenario = Callable[[Callable[[Bench], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test with an engine at a lock, which is closed and lets go at the end."""

    async def opened_and_closed(test: Callable[[Bench], Awaitable[None]]) -> None:
        door = await open_door()
        bench = Bench(door, tmp_path / "state")

        async def open_double(target: str, hub: MemoryHub | None) -> Whole:
            door.links.append(door.wrap(await open_link(target, hub)))
            return door.links[-1]

        monkeypatch.setattr("bridge.engine.open_link", open_double)
        try:
            await test(bench)
        finally:
            await bench.engine.close()
        assert not bench.taken()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    return lambda test: run(opened_and_closed(test))


def links_at_the_lock(bench: Bench) -> int:
    return len(bench.door.simulator.device.firmware._links.links)


def test_a_lock_belongs_to_this_process_until_it_has_been_idle_for_twenty_seconds(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        assert not bench.taken()
        await bench.create()
        for _ in range(3):
            await asyncio.sleep(19)
            assert bench.taken()
            await bench.ping()
        assert len(bench.door.links) == 1
        await asyncio.sleep(20.1)
        assert not bench.taken()
        assert links_at_the_lock(bench) == 0
        await bench.ping()
        assert bench.taken()
        assert len(bench.door.links) == 2

    scenario(test)


def test_closing_the_engine_gives_link_and_lock_back(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        await bench.ping()
        assert (bench.taken(), links_at_the_lock(bench)) == (True, 1)
        await bench.engine.close()
        assert (bench.taken(), links_at_the_lock(bench)) == (False, 0)

    scenario(test)


def test_a_lock_that_another_process_holds_is_not_even_connected_to(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        with bench.take():
            for _ in range(2):
                with pytest.raises(LockHeld, match="latchwire pin"):
                    await bench.create()
            assert bench.door.links == []
        assert await bench.create() == 1

    scenario(test)


def test_a_target_that_cannot_be_reached_leaves_the_lock_to_others_at_once(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        ends = dict(bench.door.hub.ends)
        bench.door.hub.ends.clear()
        with pytest.raises(Unreachable):
            await bench.create()
        assert virtual_loop().time() == 0
        assert not bench.taken()
        bench.door.hub.ends.update(ends)
        assert await bench.create() == 1

    scenario(test)


@pytest.mark.parametrize("opened", [True, False], ids=["in a session", "in the handshake"])
def test_a_read_whose_link_breaks_says_that_the_lock_is_out_of_reach(scenario: Scenario, opened: bool) -> None:
    class Broken(Cut):
        """Breaks with the first answer."""

        may_read = 0

    async def test(bench: Bench) -> None:
        bench.door.wrap = Cut if opened else Broken
        if opened:
            await bench.ping()
            (link,) = bench.door.links
            assert isinstance(link, Cut)
            link.may_read = 0
            bench.door.hub.ends.clear()
        with pytest.raises(Unreachable):
            await bench.ping()

    scenario(test)


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not asked yet"])
@pytest.mark.parametrize("direction", ["may_write", "may_read"])
def test_a_link_that_is_lost_for_good_in_mid_request_leaves_the_lock_to_others(
    scenario: Scenario, direction: str, asked: bool
) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = Cut
        await bench.ping()
        if asked:  # else the link breaks while the lock is asked for its last operation
            assert await bench.create(pin("24680")) == 1
        setattr(bench.door.links[0], direction, 5)
        bench.door.hub.ends.clear()
        with pytest.raises(LinkLost if asked else Unreachable):
            await bench.create()
        assert not bench.taken()

    scenario(test)


def test_a_lock_that_falls_silent_is_waited_for_until_the_deadline(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = Deaf
        await bench.create(pin("86420"))
        (link,) = bench.door.links
        assert isinstance(link, Deaf)
        link.kinds = set(Kind)
        with pytest.raises(AckTimeout, match="the change may have been made or not"):
            await bench.create()
        assert virtual_loop().time() == pytest.approx(8, abs=1e-5)
        assert set(bench.door.pins) == {1, 2}
        link.kinds = ()
        assert await bench.create(pin("13579")) == 3

    scenario(test)


def test_a_lock_that_is_never_heard_costs_the_deadline_each_time(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = Dead
        for asked in range(1, 4):
            with pytest.raises(Unreachable, match="nothing was changed"):
                await bench.create()
            assert virtual_loop().time() == pytest.approx(8 * asked, abs=1e-5)
        assert bench.door.pins == {}
        assert {frame.kind for frame in bench.door.sent} == {Kind.HELLO_REQUEST}

    scenario(test)


def test_a_lock_that_comes_back_before_the_deadline_is_in_time(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = lambda link: Losing(link, requests=range(9))
        assert await bench.create() == 1
        assert 4 < virtual_loop().time() < 8

    scenario(test)


def test_a_caller_that_goes_away_while_the_lock_works_disturbs_nobody(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = lambda link: Delayed(link, 0.1)
        await bench.ping()
        gone = asyncio.create_task(bench.create())
        await asyncio.sleep(0.05)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert bench.door.pins == {}
        with pytest.raises(LockBusy):
            await bench.create(pin("86420"))
        assert await bench.ping() == b"?"
        assert bench.door.pins == {1: NEW}
        assert await bench.create(pin("86420")) == 2
        assert len(bench.door.sent_of(Kind.HELLO_REQUEST)) == 1

    scenario(test)


def test_reads_and_changes_from_everywhere_are_done_one_after_another(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = lambda link: Delayed(link, 0.05)
        asked = [bench.ping(), bench.create(), bench.ping(), bench.create(pin("86420")), bench.ping()]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert [done[0], done[1], done[2], done[4]] == [b"?", 1, b"?", b"?"]
        assert isinstance(done[3], LockBusy)
        assert bench.door.pins == {1: NEW}

    scenario(test)


def test_a_record_that_another_process_has_changed_is_used_from_the_next_request_on(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        await bench.ping()
        record, ends = bench.record, bench.door.hub.ends
        ends["moved"] = ends.pop("front")
        bench.record = replace(record, target="memory:moved", list_version=7, name="back")
        assert await bench.create() == 1
        assert len(bench.door.links) == 2
        bench.record = replace(bench.record, public_key=bytes(range(32)))
        with pytest.raises(NotPaired):
            await bench.ping()
        bench.record = replace(record, target="memory:moved", list_version=8)
        await bench.ping()
        opened = len(bench.door.links)
        bench.record = replace(bench.record, name="other", list_version=9)
        await bench.ping()
        assert len(bench.door.links) == opened  # none of that needs another link
        assert links_at_the_lock(bench) == 1

    scenario(test)


def test_a_visit_leaves_a_lock_that_was_at_rest_at_rest_and_one_in_use_in_use(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.visit() == b"?"
        await asyncio.sleep(0.01)
        assert (bench.taken(), links_at_the_lock(bench)) == (False, 0)
        await bench.ping()
        await asyncio.sleep(15)
        await bench.visit()
        await asyncio.sleep(4)
        assert bench.taken()
        assert len(bench.door.links) == 2
        await asyncio.sleep(1.1)
        assert not bench.taken()

    scenario(test)


def test_a_visit_gives_nothing_back_that_somebody_waits_for(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = lambda link: Delayed(link, 0.05)
        _, created, _ = await asyncio.gather(bench.visit(), bench.create(), bench.visit())
        assert created == 1
        await asyncio.sleep(1)
        assert bench.taken()
        assert len(bench.door.links) == 1

    scenario(test)


def test_a_visit_to_a_lock_that_is_silent_leaves_it_to_others(scenario: Scenario) -> None:
    async def test(bench: Bench) -> None:
        bench.door.wrap = Dead
        with pytest.raises(Unreachable):
            await bench.visit()
        await asyncio.sleep(0.01)
        assert not bench.taken()

    scenario(test)
