"""When a lock is asked for outcomes in the background, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from bridge.errors import DamagedState, LockHeld, Unreachable
from bridge.journal import ChangeState, MemoryJournal
from bridge.records import LockRecord, PairingState
from bridge.resolver import Resolver
from tests.bridge.registries import BACK, FRONT
from tests.bridge.test_journal import RECORD
from tests.virtual_time import run, virtual_loop


class Background:
    """A resolver over two locks; FRONT has a row left open, BACK is not paired. `failure` is what asking meets."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.left_open = asyncio.Event()
        self.failure: BaseException | None = None
        self.locks = (FRONT, BACK)
        self.tries: list[float] = []
        self.resolver = Resolver(self.journal, self.registered, self.resolve, self.left_open)

    async def registered(self) -> tuple[LockRecord, ...]:
        return self.locks

    async def resolve(self, lock: LockRecord) -> None:
        assert lock.state is PairingState.PAIRED
        self.tries.append(virtual_loop().time())
        if self.failure:
            raise self.failure
        for record in await self.journal.unresolved(lock.wire_id):
            await self.journal.save(replace(record, state=ChangeState.NOT_DONE))

    async def leave_open(self, wire_id: int = FRONT.wire_id) -> None:
        await self.journal.begin(replace(RECORD, wire_id=wire_id))


def scenario(test: Callable[[Background], Awaitable[None]]) -> None:
    async def running() -> None:
        background = Background()
        await background.leave_open()
        task = asyncio.create_task(background.resolver.run())
        await test(background)
        assert not task.done()
        task.cancel()

    run(running())


@pytest.mark.parametrize(
    "failure",
    [Unreachable("gone"), LockHeld("held"), OSError("the port is gone"), asyncio.CancelledError()],
    ids=["silent", "held", "port", "owner ended"],
)
def test_a_lock_that_cannot_be_asked_is_tried_again_after_pauses_that_double_up_to_a_minute(
    failure: BaseException,
) -> None:
    async def test(background: Background) -> None:
        background.failure = failure
        await asyncio.sleep(190)
        assert background.tries == pytest.approx([0, 1, 3, 7, 15, 31, 63, 123, 183])
        background.failure = None
        await asyncio.sleep(200)
        assert len(background.tries) == 10

    scenario(test)


def test_what_a_crash_has_left_is_asked_for_at_once_and_no_more_once_it_is_known() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(600)
        assert background.tries == [0]

    scenario(test)


def test_a_new_unknown_outcome_is_asked_for_a_second_later() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(20)
        await background.leave_open()
        background.left_open.set()
        await asyncio.sleep(5)
        assert background.tries == pytest.approx([0, 21])

    scenario(test)


def test_what_another_process_has_left_is_found_within_a_minute() -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(20)
        await background.leave_open()
        await asyncio.sleep(60)
        assert background.tries == pytest.approx([0, 60])

    scenario(test)


def test_a_lock_that_is_not_paired_any_more_is_left_alone() -> None:
    async def test(background: Background) -> None:
        await background.leave_open(BACK.wire_id)
        await asyncio.sleep(600)
        assert background.tries == [0]

    scenario(test)


def test_a_database_that_fails_for_a_while_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(background: Background) -> None:
        await asyncio.sleep(1)
        await background.leave_open()
        background.left_open.set()
        with monkeypatch.context() as damage:
            damage.setattr(background.resolver, "_locks", _damaged)
            await asyncio.sleep(10)
        await asyncio.sleep(30)
        assert len(background.tries) == 2

    scenario(test)


async def _damaged() -> tuple[LockRecord, ...]:
    raise DamagedState("no")
