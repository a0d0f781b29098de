"""Pairing as a technician meets it: what is refused, when, and in which words; who a lock is after it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import pytest

from bridge.errors import AckTimeout, AlreadyRegistered, LockHeld, PairingRefused, Unreachable, UsageError
from bridge.links import Link, MemoryHub
from bridge.pairing import CUT_OFF, NO_ROOM
from bridge.records import PairingState
from bridge.store.folder import StateFolder
from bridge.store.keys import load_or_create
from bridge.store.ownership import Ownership
from firmware_sim.behaviours.pairing import Pairing
from protocol.framing import Kind, encode_frame
from protocol.label import format_label
from protocol.messages.declaration import Refusal
from protocol.noise import peer_id, public_key
from protocol.vocabulary import Status
from tests.together.links import Dead, Whole, frames_of
from tests.together.pairings import WISH, Workshop, workshop

Scenario = Callable[[Callable[[Workshop], Awaitable[None]]], None]


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Run a test in a fresh workshop."""

    async def opened(test: Callable[[Workshop], Awaitable[None]]) -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            await test(shop)

    return lambda test: asyncio.run(opened(test))


def kinds(shop: Workshop) -> set[Kind]:
    return {frame.kind for frame in shop.sent}


def test_a_paired_lock_knows_the_bridge_the_time_and_the_zone_and_lets_others_in(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        lock = shop.locks["front"]
        assert (record.state, record.id, record.name) == (PairingState.PAIRED, 1, "front")
        assert (record.wire_id, record.zone, record.version) == (lock.device.factory.lock_id, "Europe/Warsaw", 1)
        assert record.list_version == lock.snapshot().list_version
        assert await shop.records() == (record,)
        seen = lock.snapshot()
        assert (seen.peers, seen.pairing_open, seen.clock_trusted, seen.zone) == (1, False, True, "Europe/Warsaw")
        assert lock.device.firmware._links.links == {}
        async with shop.process() as service:
            assert (await service.list_pins(record)).pins == ()

    scenario(test)


def test_the_bridge_uses_the_lock_at_once_in_the_process_that_has_paired(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            record = await service.pair(WISH, shop.label)
            assert (await service.list_pins(record)).pins == ()

    scenario(test)


def test_a_wrong_label_and_a_closed_window_are_one_sentence_and_leave_nothing(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        with pytest.raises(PairingRefused) as wrong:
            await shop.pair(label=format_label(bytes(16)))
        shop.locks["front"].power_cycle()
        with pytest.raises(PairingRefused) as closed:
            await shop.pair()
        assert str(closed.value) == str(wrong.value).replace("it is open", "it is closed")
        assert await shop.records() == ()
        assert shop.peers == 0
        assert Kind.TRANSPORT not in kinds(shop)

    scenario(test)


def test_ten_wrong_labels_close_the_window(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            for _ in range(10):
                with pytest.raises(PairingRefused, match="it is open"):
                    await service.pair(WISH, format_label(token_bytes(16)))
            with pytest.raises(PairingRefused, match="it is closed"):
                await service.pair(WISH, shop.label)

    scenario(test)


def test_an_answer_that_was_tampered_with_is_refused_in_the_same_words(scenario: Scenario) -> None:
    class Tampering(Whole):
        counter = 0

        def inward(self, frame: bytes) -> Sequence[bytes]:
            (answer,) = frames_of([frame])
            meant = answer.kind is Kind.HANDSHAKE and answer.counter == self.counter
            return [encode_frame(replace(answer, body=answer.body[:-1] + b"?"))] if meant else [frame]

    async def test(shop: Workshop) -> None:
        shop.wrap = Tampering
        for counter in (0, 1):
            Tampering.counter = counter
            with pytest.raises(PairingRefused, match="Check the label, hold the lock's button"):
                await shop.pair()
        assert await shop.records() == ()

    scenario(test)


def test_a_mistyped_label_is_told_without_repeating_it_and_before_anything_is_opened(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        right = shop.label.replace("-", "")
        async with shop.process() as service:
            for at, character in enumerate(right):
                label = right[:at] + ("6" if character == "7" else "7") + right[at + 1 :]
                with pytest.raises(UsageError) as failure:
                    await service.pair(WISH, label)
                told = str(failure.value)
                assert told.startswith("The label cannot be right: ")
                assert told.endswith(". Read it again from the lock.")
                assert not any(label[start : start + 4] in told for start in range(25))
        assert shop.links == []

    scenario(test)


def test_an_unknown_zone_is_told_before_anything_is_opened(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        async with shop.process() as service:
            for zone in ("", "Mars/Olympus", "../../etc/passwd", "Europe", "europe/warsaw"):
                with pytest.raises(UsageError, match="is no IANA zone"):
                    await service.pair(replace(WISH, zone=zone), shop.label)
        assert shop.links == []

    scenario(test)


def test_a_name_or_number_of_another_lock_is_refused_before_the_lock_is_asked_for_anything(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        first = await shop.pair(replace(WISH, id=7))
        back = shop.add_lock("back")
        label = format_label(back.device.factory.secret)
        for taken in (replace(WISH, target="memory:back"), replace(WISH, target="memory:back", name="back", id=7)):
            with pytest.raises(
                AlreadyRegistered, match=r"^The lock 7 \(front\) at memory:front has this name or number"
            ):
                await shop.pair(taken, label)
            assert kinds(shop) == {Kind.HELLO_REQUEST}
        assert await shop.records() == (first,)
        second = await shop.pair(replace(WISH, target="memory:back", name="back"), label)
        assert second.id == 8

    scenario(test)


def test_pairing_the_same_lock_again_keeps_its_number_and_takes_its_new_name_and_place(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        first = await shop.pair(replace(WISH, id=123))
        shop.locks["front"].hold_button(5)
        with pytest.raises(AlreadyRegistered, match=r"^This lock is registered as 123 \(front\)\. Leave --id out\.$"):
            await shop.pair(replace(WISH, id=124))
        shop.hub.ends["moved"] = shop.hub.ends.pop("front")
        wish = replace(WISH, target="memory:moved", name="door", zone="UTC", id=123)
        again = await shop.pair(wish)
        assert (again.id, again.name, again.target, again.zone) == (123, "door", "memory:moved", "UTC")
        assert again.public_key == first.public_key
        assert await shop.records() == (again,)
        assert shop.peers == 1

    scenario(test)


def test_a_lock_that_another_process_owns_is_not_paired(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        record = await shop.pair()
        shop.locks["front"].hold_button(5)
        async with shop.process() as serving:
            await serving.list_pins(record)
            opened = len(shop.links)
            with pytest.raises(LockHeld, match="latchwire pair"):
                await shop.pair()
            assert len(shop.links) == opened  # a serial port would be busy, and its holder nameless
        await shop.pair()

    scenario(test)


def test_a_place_without_a_lock_is_unreachable_and_a_silent_one_is_told(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        with pytest.raises(Unreachable):
            await shop.pair(replace(WISH, target="memory:nobody"))
        shop.wrap = Dead
        shop.hurry()
        with pytest.raises(AckTimeout, match=r"^The lock does not answer\. Is it powered"):
            await shop.pair()
        assert await shop.records() == ()

    scenario(test)


def test_a_lock_that_has_no_room_says_so(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Workshop) -> None:
        monkeypatch.setattr(Pairing, "offer", lambda *_: Refusal(status=Status.FULL))
        with pytest.raises(PairingRefused) as failure:
            await shop.pair()
        assert str(failure.value) == NO_ROOM
        monkeypatch.undo()

    scenario(test)


def test_an_unreadable_answer_to_the_commit_is_none(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Workshop) -> None:
        monkeypatch.setattr("firmware_sim.firmware.Firmware._perform", lambda *_: b"\x20\x00")
        with pytest.raises(AckTimeout) as failure:
            await shop.pair()
        assert str(failure.value) == CUT_OFF

    scenario(test)


def test_pairing_sets_a_clock_however_far_it_is_ahead(scenario: Scenario) -> None:
    async def test(shop: Workshop) -> None:
        clock = shop.locks["front"].device.clock
        clock.set(3_000_000_000)
        await shop.pair()
        assert clock.epoch < 3_000_000_000

    scenario(test)


def test_a_lock_in_use_keeps_its_zone_unless_another_is_wished(scenario: Scenario, tmp_path: Path) -> None:
    async def test(shop: Workshop) -> None:
        await shop.pair(replace(WISH, zone="Asia/Tokyo"))
        shop.settings = replace(shop.settings, state_dir=tmp_path / "other")
        for wished, zone in ((None, "Asia/Tokyo"), ("Europe/Warsaw", "Europe/Warsaw"), (None, "Europe/Warsaw")):
            shop.locks["front"].hold_button(5)
            assert (await shop.pair(replace(WISH, zone=wished))).zone == zone
            assert shop.locks["front"].snapshot().zone == zone

    scenario(test)


def test_a_new_lock_gets_the_zone_of_this_host_where_none_is_wished(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(shop: Workshop) -> None:
        monkeypatch.setattr("bridge.pairing.host_zone", lambda: "Asia/Tokyo")
        assert (await shop.pair(replace(WISH, zone=None))).zone == "Asia/Tokyo"
        assert shop.locks["front"].snapshot().zone == "Asia/Tokyo"

    scenario(test)


def test_two_bridges_pair_with_one_lock(scenario: Scenario, tmp_path: Path) -> None:
    async def test(shop: Workshop) -> None:
        first = await shop.pair()
        shop.locks["front"].hold_button(5)
        shop.settings = replace(shop.settings, state_dir=tmp_path / "other")
        second = await shop.pair()
        assert second.public_key == first.public_key
        assert shop.peers == 2
        keys = [load_or_create(StateFolder.open(tmp_path / name)) for name in ("state", "other")]
        kept = {peer.peer_id for peer in shop.locks["front"].device.firmware.pairing.peers().values()}
        assert kept == {each.peer_id for each in keys} == {peer_id(public_key(each.static_private)) for each in keys}

    scenario(test)


def test_a_device_that_advertises_the_id_of_another_lock_is_not_paired_with(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(shop: Workshop) -> None:
        async def lead(_target: str, hub: MemoryHub | None) -> Link:
            return await shop.open_double("memory:front", hub)

        monkeypatch.setattr("bridge.engine.open_link", lead)
        told = shop.locks["front"].device.factory.lock_id
        with pytest.raises(Unreachable, match=rf"^Another lock answers here: {told:08X}, not {told ^ 1:08X}\. ") as lie:
            await shop.pair(replace(WISH, target=f"ble:{told ^ 1:08X}"))
        assert "pretends to be this lock" in str(lie.value)
        assert kinds(shop) == {Kind.HELLO_REQUEST}
        assert await shop.records() == ()
        record = await shop.pair(replace(WISH, target=f"ble:{told:08x}"))
        assert (record.wire_id, record.target) == (told, f"ble:{told:08x}")

    scenario(test)


def test_a_lock_that_is_named_by_its_id_is_owned_before_it_is_looked_for(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(shop: Workshop) -> None:
        async def lead(_target: str, hub: MemoryHub | None) -> Link:
            return await shop.open_double("memory:front", hub)

        monkeypatch.setattr("bridge.engine.open_link", lead)
        told = shop.locks["front"].device.factory.lock_id
        folder = StateFolder.open(shop.settings.state_dir)
        holder = Ownership.acquire(folder, told, "front", command="latchwire serve", idle=20.0, now=datetime.now(UTC))
        with holder, pytest.raises(LockHeld):
            await shop.pair(replace(WISH, target=f"ble:{told:08X}"))
        assert shop.links == []

    scenario(test)
