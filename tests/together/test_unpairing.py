"""A lock that is to forget this bridge: what it acknowledges, what is lost on the way, what may have been forged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import AckTimeout, LinkLost, NotPaired, Refused, Unreachable
from bridge.journal import COMMAND_LINE, ChangeState
from bridge.links import Link
from bridge.records import LockRecord, PairingState
from bridge.unpairing import CUT_OFF
from firmware_sim.requests import Requests
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.declaration import Refusal
from protocol.vocabulary import Status
from tests.together.door import WiredLock, pin
from tests.together.links import Deaf, Whole, frames_of
from tests.together.pairings import Workshop, workshop
from tests.together.processes import Place, typed

Scenario = Callable[[Callable[[Workshop, LockRecord], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a workshop whose front lock is paired, and at the end of a wire."""

    async def opened(test: Callable[[Workshop, LockRecord], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            shop.hub.ends["front"] = WiredLock(shop.locks["front"])
            await test(shop, await shop.pair())

    return lambda test: asyncio.run(opened(test))


class Forgotten(Whole):
    """Loses the lock's answers of some kinds as soon as it has forgotten every bridge."""

    def __init__(self, link: Link, shop: Workshop, *kinds: Kind) -> None:
        super().__init__(link)
        self._shop = shop
        self._kinds = kinds

    def inward(self, frame: bytes) -> Sequence[bytes]:
        lost = self._shop.peers == 0 and frames_of([frame])[0].kind in self._kinds
        return [] if lost else [frame]


class Refusing(Whole):
    """Somebody on the line, who answers each handshake in the lock's place."""

    def inward(self, frame: bytes) -> Sequence[bytes]:
        (answer,) = frames_of([frame])
        if answer.kind is not Kind.HANDSHAKE:
            return [frame]
        return [encode_frame(Frame(version=1, kind=Kind.REFUSED, counter=answer.counter, body=b""))]


async def unpair(shop: Workshop, *, forget: bool = False) -> bool:
    """Unpair in a process of its own; return whether the lock has acknowledged it."""
    async with shop.process() as service:
        done = await service.unpair((await service.locks())[0], forget=forget)
        assert done.lock.state is PairingState.UNPAIRED
        assert await service.locks() == (done.lock,)
        return done.acknowledged


async def state(shop: Workshop) -> PairingState:
    (record,) = await shop.records()
    return record.state


def test_a_lock_that_acknowledges_has_forgotten_and_keeps_its_pins(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        async with shop.process() as service:
            await service.create_pin(record, pin("97531"), COMMAND_LINE)
        assert await unpair(shop)
        assert shop.peers == 0
        assert shop.locks["front"].snapshot().used == 1
        (left,) = await shop.records()
        assert left == replace(record, state=PairingState.UNPAIRED)
        async with shop.process() as service:
            with pytest.raises(NotPaired, match="it was unpaired"):
                await service.list_pins(left)
        shop.locks["front"].hold_button(5)
        assert (await shop.pair()).state is PairingState.PAIRED

    scenario(test)


def test_an_answer_that_is_lost_alone_is_finished_at_once(scenario: Scenario) -> None:
    async def test(shop: Workshop, _: LockRecord) -> None:
        shop.wrap = lambda link: Forgotten(link, shop, Kind.TRANSPORT)
        assert not await unpair(shop)
        assert shop.peers == 0

    scenario(test)


def test_a_lock_that_falls_silent_is_finished_by_the_next_try(scenario: Scenario) -> None:
    async def test(shop: Workshop, _: LockRecord) -> None:
        shop.hurry()
        shop.wrap = lambda link: Forgotten(link, shop, *Kind)
        with pytest.raises(AckTimeout) as failure:
            await unpair(shop)
        assert str(failure.value) == CUT_OFF
        assert await state(shop) is PairingState.UNPAIRING
        async with shop.process() as service:
            with pytest.raises(NotPaired, match="`latchwire unpair` finishes"):
                await service.list_pins((await service.locks())[0])
        shop.wrap = Whole
        assert not await unpair(shop)
        assert not await unpair(shop)

    scenario(test)


def test_a_request_that_is_lost_is_asked_again_by_the_next_try(scenario: Scenario) -> None:
    async def test(shop: Workshop, _: LockRecord) -> None:
        class Asked(Whole):
            """Breaks with the first frame that goes out while the registry says that the lock is being asked."""

            async def write(self, data: bytes) -> None:
                if await state(shop) is PairingState.UNPAIRING:
                    await self.close()
                    raise LinkLost("pulled")
                await super().write(data)

        shop.wrap = Asked
        with pytest.raises(LinkLost) as failure:
            await unpair(shop)
        assert str(failure.value) == CUT_OFF
        assert (await state(shop), shop.peers) == (PairingState.UNPAIRING, 1)
        shop.wrap = Whole
        assert await unpair(shop)
        assert shop.peers == 0

    scenario(test)


def test_a_forged_refusal_unpairs_nothing_that_was_not_asked(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        shop.wrap = Refusing
        with pytest.raises(NotPaired, match="The keys are kept"):
            await unpair(shop)
        assert await shop.records() == (record,)
        shop.wrap = Whole
        assert await unpair(shop)

    scenario(test)


def test_a_lock_out_of_reach_stays_paired_unless_it_is_given_up(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        gone = shop.hub.ends.pop("front")
        with pytest.raises(Unreachable):
            await unpair(shop)
        assert await shop.records() == (record,)
        assert not await unpair(shop, forget=True)
        assert shop.peers == 1
        shop.hub.ends["front"] = gone
        assert await unpair(shop)
        assert shop.peers == 0

    scenario(test)


def test_a_lock_that_cannot_forget_stays_paired(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        monkeypatch.setattr(Requests, "unpair", lambda *_: Refusal(status=Status.STORAGE))
        with pytest.raises(Refused):
            await unpair(shop)
        assert await shop.records() == (record,)
        assert shop.peers == 1

    scenario(test)


def test_a_lock_that_is_half_unpaired_can_be_paired_again(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        async with shop.process() as service:
            await service._registry.save_lock(replace(record, state=PairingState.UNPAIRING))
        shop.locks["front"].hold_button(5)
        assert (await shop.pair()).state is PairingState.PAIRED
        assert shop.peers == 1

    scenario(test)


def test_a_pairing_that_was_not_finished_is_undone_at_the_lock_too(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        async with shop.process() as service:
            await service._registry.save_lock(replace(record, state=PairingState.UNCONFIRMED))
        assert await unpair(shop)
        assert shop.peers == 0

    scenario(test)


def test_what_was_left_open_at_a_lock_that_is_given_up_is_settled_as_unknowable(scenario: Scenario) -> None:
    async def test(shop: Workshop, record: LockRecord) -> None:
        shop.hurry()
        shop.wrap = Deaf
        async with shop.process() as service:
            await service.create_pin(record, pin("97531"), COMMAND_LINE)
            (link,) = [link for link in shop.links if isinstance(link, Deaf) and not link.lost]
            link.kinds = tuple(Kind)
            with pytest.raises(AckTimeout):
                await service.create_pin(record, pin("86420"), COMMAND_LINE)
            journal = service._engine.journal
            (left,) = await journal.unresolved(record.wire_id)
            await service.unpair(record, forget=True)
            assert await journal.unresolved(record.wire_id) == ()
            found = await journal.latest(record.wire_id, COMMAND_LINE, left.request_mark)
            assert found is not None
            assert found.state is ChangeState.UNKNOWABLE

    scenario(test)


def test_the_command_says_what_the_lock_has_acknowledged(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        done = bench.here("unpair", "front", "--yes", "--json")
        assert (done.code, done.err) == (0, "")
        assert done.json() == {"id": 123, "name": "front", "state": "unpaired", "acknowledged": True, "asked": True}
        again = bench.here("unpair", "123", "--yes")
        assert (again.code, "refuses this bridge" in again.out) == (0, True)
        listed = bench.here("pin", "list", "front")
        assert (listed.code, "it was unpaired" in listed.err) == (5, True)


def test_the_command_asks_and_takes_nothing_but_a_yes(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        unasked = bench.here("unpair", "front", stdin="yes\n")
        assert (unasked.code, "Nobody is here to confirm" in unasked.err) == (2, True)
        for answer, code in (("no", 2), ("", 2), ("Yes", 0)):
            assert typed(bench, answer, "unpair", "front") == code
        assert bench.here("lock", "list", "--json").json()["state"] == "unpaired"
