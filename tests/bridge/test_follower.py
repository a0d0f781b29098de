"""When locks are looked at in the background, in virtual time: soon after a use, and else seldom."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import BridgeError, DamagedState, LockHeld, NotRegistered, Unreachable
from bridge.follower import LONGEST_WAY, NEW_LOCKS, SETTLING, Follower
from bridge.knowledge import Knowledge
from bridge.records import LockRecord, PairingState
from tests.bridge.registries import BACK, FRONT, NOW
from tests.virtual_time import run, virtual_loop

HOUR = 3600.0
SETTINGS = Settings(state_dir=Path("state"), visit=HOUR)


class Memory(Knowledge):
    """What is known of locks: nothing but when each was last read, which may fail to be learned."""

    def __init__(self) -> None:
        self._uses: dict[int, asyncio.Event] = {}
        self.last: dict[int, datetime] = {}
        self.failure: BridgeError | None = None

    def now(self) -> datetime:
        return NOW

    async def last_look(self, lock: LockRecord) -> datetime | None:
        if self.failure:
            raise self.failure
        return self.last.get(lock.id)


class Background:
    """A follower of FRONT, which is paired, and BACK, which is not; `moving` looks find a bolt on its way."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.knowledge = Memory()
        self.registered = {lock.id: lock for lock in (FRONT, BACK)}
        self.looks: list[float] = []
        self.seen: list[LockRecord] = []
        self.moving = 0
        self.failure: BridgeError | None = None
        self.damage: BridgeError | None = None
        self.follower = Follower(self.knowledge, self.locks, self.lock, self.look, settings)

    async def locks(self) -> tuple[LockRecord, ...]:
        if self.damage:
            raise self.damage
        return tuple(self.registered.values())

    async def lock(self, lock_id: int) -> LockRecord:
        if self.damage:
            raise self.damage
        if lock_id not in self.registered:
            raise NotRegistered
        return self.registered[lock_id]

    async def look(self, lock: LockRecord) -> bool:
        self.looks.append(round(virtual_loop().time(), 3))
        self.seen.append(lock)
        if self.failure:
            raise self.failure
        self.moving -= 1
        return self.moving >= 0

    def use(self) -> None:
        self.knowledge.used(FRONT)


def scenario(test: Callable[[Background], Awaitable[None]], background: Callable[[], Background] = Background) -> None:
    async def running() -> None:
        followed = background()
        task = asyncio.create_task(followed.follower.run())
        await test(followed)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(running())


def test_a_lock_that_was_never_read_is_looked_at_once_and_then_once_an_hour() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(2.5 * HOUR)
        assert background.looks == [0, HOUR, 2 * HOUR]
        assert {lock.id for lock in background.seen} == {FRONT.id}

    scenario(test)


def test_a_start_wakes_no_lock_that_was_read_less_than_an_hour_ago() -> None:
    def read_before() -> Background:
        background = Background()
        background.knowledge.last = {FRONT.id: NOW - timedelta(minutes=20)}
        return background

    async def test(background: Background) -> None:
        await asyncio.sleep(HOUR)
        (look,) = background.looks
        assert look == 2400

    scenario(test, read_before)


@pytest.mark.parametrize("last", [timedelta(hours=5), timedelta(days=-400)])
def test_a_lock_that_was_read_long_ago_or_in_the_future_sleeps_an_hour_at_most(last: timedelta) -> None:
    def read_then() -> Background:
        background = Background()
        background.knowledge.last = {FRONT.id: NOW - last}
        return background

    async def test(background: Background) -> None:
        await asyncio.sleep(HOUR + 1)
        assert background.looks[0] == (0 if last > timedelta(0) else HOUR)

    scenario(test, read_then)


def test_what_came_of_a_use_is_looked_at_when_the_bolt_has_had_time_to_arrive() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(100)
        background.use()
        await asyncio.sleep(1)
        background.use()
        await asyncio.sleep(60)
        assert background.looks == [0, 100 + SETTLING]
        background.use()
        await asyncio.sleep(HOUR)
        assert background.looks == [0, 100 + SETTLING, 161 + SETTLING]

    scenario(test)


def test_a_use_while_the_lock_is_looked_at_is_looked_at_again() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(100)
        background.moving = 1
        background.use()
        await asyncio.sleep(SETTLING + 1)
        background.use()
        await asyncio.sleep(60)
        assert background.looks == [0, 103, 106, 109]

    scenario(test)


def test_a_bolt_that_is_on_its_way_is_looked_at_again_but_not_for_ever() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(100)
        background.moving = 1000
        background.use()
        await asyncio.sleep(HOUR - 10)
        first, last = 100 + SETTLING, 100 + SETTLING + LONGEST_WAY
        assert background.looks == [0, *(first + SETTLING * number for number in range(6))]
        assert background.looks[-1] == last

    scenario(test)


def test_a_link_that_is_given_back_early_is_used_before_that() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(100)
        background.use()
        await asyncio.sleep(1)
        assert background.looks == [0, 100.25]

    scenario(test, lambda: Background(replace(SETTINGS, idle=0.5)))


@pytest.mark.parametrize("failure", [Unreachable("gone"), LockHeld("held")])
def test_a_lock_that_cannot_be_asked_is_left_alone_until_it_is_used_or_its_time_comes(failure: BridgeError) -> None:
    async def test(background: Background) -> None:
        background.failure = failure
        await asyncio.sleep(HOUR + 1)
        assert background.looks == [0, HOUR]
        background.use()
        await asyncio.sleep(10)
        assert background.looks == [0, HOUR, HOUR + 1 + SETTLING]

    scenario(test)


def test_a_lock_that_is_paired_later_is_followed_within_a_minute_and_one_that_is_paired_no_more_is_not() -> None:
    async def test(background: Background) -> None:
        background.registered[BACK.id] = replace(BACK, state=PairingState.PAIRED)
        background.registered[FRONT.id] = replace(FRONT, state=PairingState.UNPAIRED)
        await asyncio.sleep(NEW_LOCKS + 1)
        assert [lock.id for lock in background.seen] == [BACK.id]
        del background.registered[BACK.id]
        await asyncio.sleep(2 * HOUR)
        assert len(background.seen) == 1
        background.registered[FRONT.id] = FRONT
        await asyncio.sleep(NEW_LOCKS + 1)
        assert [lock.id for lock in background.seen] == [BACK.id, FRONT.id]

    scenario(test)


def test_a_lock_that_has_moved_is_looked_at_where_it_is_now() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(1)
        background.registered[FRONT.id] = moved = replace(FRONT, target="serial:/dev/ttyUSB1")
        background.use()
        await asyncio.sleep(10)
        assert background.seen == [FRONT, moved]

    scenario(test)


def test_a_registry_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(1)
        background.damage = DamagedState("The disk is full.")
        background.use()
        await asyncio.sleep(NEW_LOCKS + 10)
        assert background.looks == [0, 1 + SETTLING]
        assert background.seen == [FRONT, FRONT]

    scenario(test)
    assert "Which locks there are cannot be learned. The disk is full." in caplog.text
    assert "Whether the lock front door has another target cannot be learned." in caplog.text


def test_a_lock_of_which_it_cannot_be_learned_when_it_was_read_is_read() -> None:
    def damaged() -> Background:
        background = Background()
        background.knowledge.failure = DamagedState("The disk is full.")
        return background

    async def test(background: Background) -> None:
        await asyncio.sleep(1)
        assert background.looks == [0]

    scenario(test, damaged)
