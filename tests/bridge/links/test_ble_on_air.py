"""Bluetooth links on a virtual air: real GATT between bleak and a peripheral, by the portable backend."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

from bridge.errors import LinkLost, Unreachable
from bridge.links import Link, Radio, hear, open_link
from bridge.links.ble_hearing import find
from bridge.links.radio import Bluetooth
from protocol.messages.hello import HelloFlag
from tests.bridge.links.peripherals import LOCK_ID, Air, Peripheral, manufacturer_data, open_air, payload

EVERY_BYTE = bytes(range(256))

Test = Callable[[Air], Awaitable[None]]


@pytest.fixture
def on_air(tmp_path: Path) -> Callable[[Test], None]:
    """Run a test on a fresh air, which must leave no task behind."""

    async def opened(test: Test) -> None:
        async with open_air(tmp_path) as air, asyncio.timeout(30):
            await test(air)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    return lambda test: asyncio.run(opened(test))


def target(air: Air, lock_id: int = LOCK_ID, write: str = "without-response") -> str:
    return f"ble:{lock_id:08X}?hci={air.hci}&write={write}"


async def heard(peripheral: Peripheral, size: int) -> list[bytes]:
    """Return the next pieces that the peripheral hears, `size` bytes of them."""
    done = asyncio.Event()
    pieces: list[bytes] = []

    def take(piece: bytes) -> None:
        pieces.append(piece)
        if sum(map(len, pieces)) >= size:
            done.set()

    for piece in peripheral.pieces:
        take(piece)
    peripheral.heard = take
    await done.wait()
    return pieces


async def lost(link: Link) -> None:
    with pytest.raises(LinkLost):
        await link.read()
    assert link.lost


@pytest.mark.parametrize("mtu", [23, 247])
@pytest.mark.parametrize("write", ["with-response", "without-response"])
def test_pieces_are_as_large_as_the_mtu_and_come_in_their_order(
    on_air: Callable[[Test], None], mtu: int, write: str
) -> None:
    async def test(air: Air) -> None:
        peripheral = await air.peripheral(payload(manufacturer_data()), mtu=mtu)
        link = await open_link(target(air, write=write))
        await link.write(EVERY_BYTE * 4)
        pieces = await heard(peripheral, 1024)
        assert b"".join(pieces) == EVERY_BYTE * 4
        assert {len(piece) for piece in pieces[:-1]} == {mtu - 3}
        await link.close()
        await peripheral.stop()

    on_air(test)


def test_no_larger_mtu_is_asked_for_than_the_target_says(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air) -> None:
        peripheral = await air.peripheral(payload(manufacturer_data()))
        link = await open_link(f"{target(air, write='with-response')}&mtu=23")
        await link.write(EVERY_BYTE)
        assert {len(piece) for piece in (await heard(peripheral, 256))[:-1]} == {20}
        await link.close()
        await peripheral.stop()

    on_air(test)


def test_of_two_locks_the_one_that_was_named_is_reached(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air) -> None:
        locks = {number: await air.peripheral(payload(manufacturer_data(number))) for number in (1, 2)}
        links = {number: await open_link(target(air, number)) for number in locks}
        for number, link in links.items():
            await link.write(bytes([number]))
            assert await heard(locks[number], 1) == [bytes([number])]
        await links[1].close()
        await locks[2].say(b"the controller is still there for the other link")
        assert await links[2].read() == b"the controller is still there for the other link"
        await links[2].close()
        for lock in locks.values():
            await lock.stop()

    on_air(test)


def test_only_what_a_lock_may_advertise_is_heard(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air) -> None:
        told = manufacturer_data(flags=HelloFlag.PAIRED)
        said = [payload(told[:-1]), payload(told + b"\0"), payload(b"")[:-3], payload(told)[:12], b"\x1f\xff", b"\x01"]
        strangers = [await air.peripheral(each) for each in said]
        lock = await air.peripheral(payload(told))
        (only,) = await hear(Radio(hci=air.hci), 1.0)
        assert (only.advertisement.lock_id, only.advertisement.flags) == (LOCK_ID, HelloFlag.PAIRED)
        for each in (*strangers, lock):
            await each.stop()

    on_air(test)


def test_a_lock_that_vanishes_once_it_was_heard_is_unreachable_and_reached_when_it_is_back(
    on_air: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(air: Air) -> None:
        lock = await air.peripheral(payload(manufacturer_data()))

        async def find_and_vanish(wanted: Bluetooth, seconds: float, *, but: Collection[str]) -> BLEDevice:
            device = await find(wanted, seconds, but=but)
            await lock.stop()
            return device

        with monkeypatch.context() as patch:
            patch.setattr("bridge.links.ble.find", find_and_vanish)
            patch.setattr("bridge.links.ble.OPEN_SECONDS", 0.5)
            with pytest.raises(Unreachable, match=r"^The lock A0B0C0D0 was not connected to within 0\.5 s\."):
                await open_link(target(air))
        await lock.start(payload(manufacturer_data()))
        await (await open_link(target(air))).close()
        await lock.stop()

    on_air(test)


def test_a_drop_before_a_write_is_answered_loses_the_link(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air) -> None:
        lock = await air.peripheral(payload(manufacturer_data()))
        link = await open_link(target(air, write="with-response"))
        async with asyncio.TaskGroup() as tasks:
            lock.heard = lambda _: tasks.create_task(lock.go())  # Bumble waits for it, and then answers
            with pytest.raises(LinkLost):
                await link.write(b"?")
        await lost(link)
        await link.close()
        await lock.stop()

    on_air(test)


def test_a_radio_that_is_pulled_out_loses_the_link(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air) -> None:
        lock = await air.peripheral(payload(manufacturer_data()))
        link = await open_link(target(air))
        for client in air.clients:
            client.hang_up()
        await lost(link)
        await link.close()
        link = await open_link(target(air))
        await link.close()
        await lock.stop()

    on_air(test)
