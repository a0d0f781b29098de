"""Pairing that is cut off at any step: the same command again finishes it, and a lock has one peer in the end."""

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.config import DEFAULT_DEADLINE
from bridge.errors import AckTimeout, BridgeError, LinkLost, NotPaired, PairingRefused
from bridge.links import Link
from bridge.pairing import CUT_OFF
from bridge.records import PairingState
from firmware_sim.simulator import Simulator
from protocol.framing import Kind
from protocol.label import format_label
from tests.together.door import WiredLock
from tests.together.links import Cut, Losing, Whole
from tests.together.pairings import WISH, Workshop, workshop

COMMIT = 4
"""The number of the frame that asks for the commit, and of the answer to it."""
FRAMES = 10
"""How many frames a pairing takes in each direction."""
STEPS = [0, 2, 3, COMMIT, 5, 6, 7, 9]
"""Frames at which it is cut off: hello, label, proof, commit, hello, handshake, ping, and the last."""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Scenario":
    """Run a test in a fresh workshop."""

    async def opened(test: Callable[[Workshop], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop)

    return lambda test: asyncio.run(opened(test))


Scenario = Callable[[Callable[[Workshop], Awaitable[None]]], None]


async def finished(shop: Workshop) -> None:
    """Give the same command again, and see that the lock is paired, once."""
    shop.wrap, shop.ack_timeout = Whole, 0.3
    shop.settings = replace(shop.settings, deadline=DEFAULT_DEADLINE)
    async with shop.process() as service:
        record = await service.pair(WISH, shop.label)
        assert record.state is PairingState.PAIRED
        assert await service.locks() == (record,)
        assert shop.peers == 1
        assert (await service.list_pins(record)).pins == ()


def losing(direction: str, numbers: Container[int]) -> Callable[[Link], Losing]:
    """Return a double that loses these requests, or these answers."""
    if direction == "requests":
        return lambda link: Losing(link, requests=numbers)
    return lambda link: Losing(link, answers=numbers)


class PowerCut(Whole):
    """Takes the lock's power away just before the commit reaches it."""

    def __init__(self, link: Link, lock: Simulator) -> None:
        super().__init__(link)
        self._lock = lock

    def outward(self, frame: bytes) -> Sequence[bytes]:
        if len(self.written) == COMMIT + 1:
            self._lock.power_cycle()
        return [frame]


class Stopping(Whole):
    """Lets so many frames out; the next one waits for ever, as does a process that is stopped."""

    def __init__(self, link: Link, frames: int, stopped: asyncio.Event) -> None:
        super().__init__(link)
        self._frames = frames
        self._stopped = stopped

    async def write(self, data: bytes) -> None:
        if len(self.written) == self._frames:
            self._stopped.set()
            await asyncio.Event().wait()
        await super().write(data)


def test_a_pairing_takes_the_frames_that_these_tests_count_on(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        await shop.pair()
        assert len(shop.sent) == FRAMES
        assert [frame.kind for frame in shop.sent[:6]] == [
            Kind.HELLO_REQUEST, Kind.HANDSHAKE, Kind.HANDSHAKE, Kind.TRANSPORT, Kind.TRANSPORT, Kind.HELLO_REQUEST,
        ]  # fmt: skip

    scenario(test)


@pytest.mark.parametrize("frames", STEPS)
def test_a_process_that_dies_before_any_frame_has_its_work_finished_by_the_next(
    scenario: Scenario, frames: int
) -> None:
    async def test(shop: Workshop) -> None:
        stopped = asyncio.Event()
        shop.wrap = lambda link: Stopping(link, frames, stopped)
        pairing = asyncio.create_task(shop.pair())
        await stopped.wait()
        pairing.cancel()
        with suppress(asyncio.CancelledError):
            await pairing
        states = [record.state for record in await shop.records()]
        assert states == ([] if frames < COMMIT else [PairingState.UNCONFIRMED])
        await finished(shop)

    scenario(test)


@pytest.mark.parametrize("frames", STEPS)
@pytest.mark.parametrize("direction", ["may_write", "may_read"])
def test_a_link_that_breaks_at_any_frame_is_told_and_the_next_try_finishes(
    scenario: Scenario, direction: str, frames: int
) -> None:
    async def test(shop: Workshop) -> None:
        shop.wrap = lambda link: Breaking(link, direction, frames)
        with pytest.raises(LinkLost) as failure:
            await shop.pair()
        if frames:
            assert str(failure.value) == CUT_OFF
        assert PairingState.PAIRED not in {record.state for record in await shop.records()}
        await finished(shop)

    scenario(test)


class Breaking(Cut):
    """Is cut in the middle of one frame of one direction, counted from 0."""

    def __init__(self, link: Link, direction: str, frames: int) -> None:
        super().__init__(link)
        self._direction = direction
        self._frames = frames

    async def write(self, data: bytes) -> None:
        if self._direction == "may_write" and len(self.written) == self._frames:
            self.may_write = len(data) // 2
        if self._direction == "may_read" and len(self.written) == self._frames:
            self.may_read = 5
        await super().write(data)


@pytest.mark.parametrize("frames", [2, COMMIT, 6])
@pytest.mark.parametrize("lost", ["requests", "answers"])
def test_a_lock_that_falls_silent_at_any_frame_is_told_and_the_next_try_finishes(
    scenario: Scenario, lost: str, frames: int
) -> None:
    async def test(shop: Workshop) -> None:
        shop.hurry()
        shop.wrap = losing(lost, range(frames, 10_000))
        with pytest.raises(AckTimeout) as failure:
            await shop.pair()
        assert str(failure.value) == CUT_OFF
        await finished(shop)

    scenario(test)


@pytest.mark.parametrize("lost", ["requests", "answers"])
def test_one_lost_frame_at_any_step_is_sent_again_and_nobody_notices(scenario: Scenario, lost: str) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            for frame in range(FRAMES):
                shop.locks["front"].hold_button(5)
                shop.wrap = losing(lost, {frame})
                await service.pair(WISH, shop.label)
                assert len(shop.links) == frame + 1
                again = shop.links[-1].written[frame : frame + 2]
                assert len(again) == 2
                assert len(set(again)) == 1

    scenario(test)


def test_after_a_lost_answer_to_the_commit_neither_window_nor_label_is_needed(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        shop.hurry()
        shop.wrap = losing("answers", range(COMMIT, 10_000))
        with pytest.raises(AckTimeout):
            await shop.pair()
        shop.locks["front"].device.firmware.pairing.close_window()
        shop.wrap = Whole
        assert (await shop.pair(label=format_label(bytes(16)))).state is PairingState.PAIRED
        assert shop.peers == 1

    scenario(test)


def test_a_lock_that_has_forgotten_the_pending_key_is_paired_anew(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        shop.hurry()
        shop.wrap = losing("answers", range(COMMIT, 10_000))
        with pytest.raises(AckTimeout):
            await shop.pair()
        lock = shop.locks["front"]
        lock.power_cycle()
        shop.wrap = Whole
        with pytest.raises(PairingRefused, match="it is closed"):
            await shop.pair()
        assert [record.state for record in await shop.records()] == [PairingState.UNCONFIRMED]
        lock.hold_button(5)
        await finished(shop)

    scenario(test)


def test_a_lock_that_loses_its_power_before_the_commit_is_told_and_paired_anew(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        lock = shop.locks["front"]
        shop.hub.ends["front"] = WiredLock(lock)
        shop.wrap = lambda link: PowerCut(link, lock)
        with pytest.raises(PairingRefused) as failure:
            await shop.pair()
        assert str(failure.value) == CUT_OFF
        lock.hold_button(5)
        await finished(shop)

    scenario(test)


def test_an_unconfirmed_lock_is_of_no_use_before_its_pairing_is_finished(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        shop.hurry()
        shop.wrap = losing("answers", range(COMMIT, 10_000))
        with pytest.raises(BridgeError):
            await shop.pair()
        shop.wrap = Whole
        (record,) = await shop.records()
        async with shop.process() as service:
            with pytest.raises(NotPaired, match="its pairing was not finished"):
                await service.list_pins(record)
        assert shop.peers == 0

    scenario(test)
