"""A watch in virtual time: what it shows of many looks, how it lets go, and how it ends."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from bridge.cli.interrupts import unless
from bridge.cli.states import StateView, watch_lock
from bridge.errors import BridgeError, LockHeld, NotPaired, Unreachable
from bridge.records import LockRecord, PairingState
from bridge.service import Service
from protocol.messages.device import UNKNOWN_BATTERY, StatusResponse
from protocol.vocabulary import BoltState, ClockState, DoorState
from tests.virtual_time import run, virtual_loop

FRONT = LockRecord(
    id=123,
    name="front",
    target="memory:front",
    wire_id=1,
    public_key=bytes(32),
    state=PairingState.PAIRED,
    zone="UTC",
    version=1,
)
STATUS = StatusResponse(
    list_version=7,
    used=3,
    clock=ClockState.TRUSTED,
    time=1_790_000_000,
    battery=UNKNOWN_BATTERY,
    bolt=BoltState.LOCKED,
    door=DoorState.UNKNOWN,
    jammed=False,
)
OPEN = replace(STATUS, bolt=BoltState.UNLOCKED)


class Bridge:
    """Answers each look with the next of what it was given, and interrupts the process behind the last."""

    def __init__(self, *answers: StatusResponse | BridgeError) -> None:
        self._answers = list(answers)
        self.looks: list[float] = []
        self.held = 0

    async def lock(self, lock_id: int) -> LockRecord:
        assert lock_id == FRONT.id
        return FRONT

    async def status(self, _lock: LockRecord) -> StatusResponse:
        self.looks.append(virtual_loop().time())
        self.held += 1
        answer = self._answers.pop(0)
        if not self._answers:
            os.kill(os.getpid(), signal.SIGINT)
        if isinstance(answer, BridgeError):
            raise answer
        return answer

    async def let_go(self, _lock: LockRecord) -> None:
        self.held -= 1

    def watched(self, interval: int = 10) -> list[StateView]:
        async def collected() -> list[StateView]:
            seen = []
            async for view in watch_lock(cast("Service", self), FRONT.id, interval):
                assert self.held == 0
                seen.append(view)
            return seen

        return run(collected())


def bolts(views: Sequence[StateView]) -> list[str | None]:
    return [view.bolt for view in views]


def test_only_changes_are_shown_and_the_time_is_none() -> None:
    later = replace(STATUS, time=STATUS.time + 60)
    bridge = Bridge(STATUS, STATUS, later, OPEN, OPEN, later)
    assert bolts(bridge.watched()) == ["locked", "unlocked", "locked"]
    assert bridge.looks == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("failure", [Unreachable("gone"), LockHeld("gone")], ids=repr)
def test_a_lock_that_is_away_is_shown_once_and_shown_again_when_it_is_back(failure: BridgeError) -> None:
    views = Bridge(STATUS, failure, failure, STATUS, STATUS).watched()
    assert [(view.bolt, view.trouble) for view in views] == [("locked", None), (None, "gone"), ("locked", None)]
    assert str(views[1]) == "gone"


def test_a_watch_does_not_begin_at_a_lock_that_is_away() -> None:
    with pytest.raises(Unreachable):
        Bridge(Unreachable("gone"), STATUS).watched()


def test_a_watch_ends_where_the_pairing_has_ended() -> None:
    bridge = Bridge(STATUS, NotPaired("unpaired"), STATUS)
    with pytest.raises(NotPaired):
        bridge.watched()
    assert bridge.held == 0


def test_what_a_lock_does_not_tell_is_unknown() -> None:
    (view,) = Bridge(STATUS).watched()
    assert view.battery is None
    assert "battery unknown" in str(view)


def test_work_that_is_interrupted_is_cancelled_and_tidies_up() -> None:
    async def scenario() -> None:
        stopped, tidied = asyncio.Event(), asyncio.Event()

        async def work() -> str:
            try:
                await asyncio.sleep(60)
            finally:
                tidied.set()
            return "done"

        asyncio.get_running_loop().call_later(5, stopped.set)
        assert await unless(stopped, work()) is None
        assert tidied.is_set()
        assert virtual_loop().time() == 5
        assert await unless(asyncio.Event(), work()) == "done"

    run(scenario())
