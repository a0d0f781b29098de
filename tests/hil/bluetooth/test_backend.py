"""The portable backend keeps what bleak promises of a backend, whatever Bumble makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError, BleakGATTProtocolError
from bumble.att import ATT_Error, ErrorCode

from hil.bluetooth import backend
from hil.bluetooth.backend import HciClient, HciScanner
from protocol.bluetooth import NOTIFY, SERVICE, WRITE
from tests.bridge.links.ends import descriptors
from tests.bridge.links.peripherals import Air, Peripheral, manufacturer_data, open_air, payload

CCCD = "00002902-0000-1000-8000-00805f9b34fb"

Test = Callable[[Air, Peripheral], Awaitable[None]]


@pytest.fixture
def on_air(tmp_path: Path) -> Callable[[Test], None]:
    """Run a test with a peripheral on the air; at its end neither a host nor a task may be left."""

    async def opened(test: Test) -> None:
        async with open_air(tmp_path) as air, asyncio.timeout(30):
            peripheral = await air.peripheral(payload(manufacturer_data()))
            await test(air, peripheral)
            await peripheral.stop()
        assert backend._hosts == {}
        assert asyncio.all_tasks() == {asyncio.current_task()}

    return lambda test: asyncio.run(opened(test))


def scanner(air: Air, hear: Callable[[BLEDevice, Any], None] | None = None) -> BleakScanner:
    return BleakScanner(hear, [SERVICE], backend=HciScanner, hci=air.hci)


async def device(air: Air) -> BLEDevice:
    async with scanner(air) as scanning:
        async for found, _ in scanning.advertisement_data():
            return found
    raise AssertionError("advertisements do not end")


def client(air: Air, found: BLEDevice, lost: Callable[[BleakClient], None] | None = None) -> BleakClient:
    return BleakClient(found, lost, backend=HciClient, hci=air.hci)


def test_what_a_lock_offers_is_seen_read_subscribed_to_and_left(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air, lock: Peripheral) -> None:
        async with client(air, await device(air)) as connected:
            write, notify = connected.services.get_characteristic(WRITE), connected.services.get_characteristic(NOTIFY)
            assert write is not None
            assert notify is not None
            assert set(write.properties) == {"write", "write-without-response"}
            assert (connected.mtu_size, write.max_write_without_response_size) == (247, 244)
            (cccd,) = notify.descriptors
            assert cccd.uuid == CCCD
            heard: asyncio.Queue[bytearray] = asyncio.Queue()
            await connected.start_notify(notify, lambda _, data: heard.put_nowait(data))
            assert await connected.read_gatt_descriptor(cccd) == b"\1\0"
            await lock.say(b"here")
            assert await heard.get() == b"here"
            await connected.stop_notify(notify)
            assert await connected.read_gatt_descriptor(cccd) == b"\0\0"
            await connected._backend.write_gatt_descriptor(cccd, b"\1\0")  # bleak itself would refuse this one
            assert await connected.read_gatt_descriptor(cccd) == b"\1\0"
            assert await connected.read_gatt_char(write) == b"read"
            for pairing in (connected.pair(), connected.unpair()):
                with pytest.raises(NotImplementedError):
                    await pairing
        assert not connected.is_connected
        assert connected.mtu_size == 23

    on_air(test)


@pytest.mark.parametrize("code", [ErrorCode.INSUFFICIENT_RESOURCES, 0x42], ids=["known", "unknown"])
def test_what_a_lock_refuses_is_an_error_of_bleaks(on_air: Callable[[Test], None], code: int) -> None:
    async def test(air: Air, lock: Peripheral) -> None:
        def refuse(_: bytes) -> None:
            raise ATT_Error(ErrorCode(code))

        lock.heard = refuse
        async with client(air, await device(air)) as connected:
            with pytest.raises(BleakGATTProtocolError) as failure:
                await connected.write_gatt_char(WRITE, b"?", response=True)
            assert failure.value.code == code
            assert connected.is_connected

    on_air(test)


def test_what_waits_for_an_answer_at_a_drop_is_an_error_and_no_cancellation(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air, lock: Peripheral) -> None:
        lost = asyncio.Event()
        connected = client(air, await device(air), lambda _: lost.set())
        await connected.connect()
        write = connected.services.get_characteristic(WRITE)
        assert write is not None
        async with asyncio.TaskGroup() as tasks:
            lock.heard = lambda _: tasks.create_task(lock.go())
            with pytest.raises(BleakError, match="the connection has ended"):
                await connected.write_gatt_char(WRITE, b"?", response=True)
        await lost.wait()
        assert not connected.is_connected
        with pytest.raises(BleakError, match="Not connected"):
            await connected._backend.write_gatt_char(write, b"?", response=True)
        await connected.disconnect()
        await connected.disconnect()

    on_air(test)


def test_a_transport_that_ends_is_a_disconnection(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air, _: Peripheral) -> None:
        lost = asyncio.Event()
        connected = client(air, await device(air), lambda _: lost.set())
        await connected.connect()
        (host,) = air.clients
        host.hang_up()
        await lost.wait()
        assert not connected.is_connected
        await connected.disconnect()

    on_air(test)


def test_a_controller_is_shared_and_given_back_by_the_last_who_uses_it(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air, _: Peripheral) -> None:
        first, second = scanner(air), scanner(air)
        await first.start()
        await second.start()
        assert len(air.clients) == 1
        await first.stop()
        await first.stop()
        async for _found in second.advertisement_data():
            break
        await second.stop()
        assert backend._hosts == {}

    on_air(test)


def test_an_opening_that_fails_leaves_nothing_open(on_air: Callable[[Test], None]) -> None:
    async def test(air: Air, lock: Peripheral) -> None:
        found = await device(air)
        await lock.stop()
        connecting = client(air, found)
        with pytest.raises(TimeoutError):
            await connecting.connect(timeout=0.1)
        assert not connecting.is_connected
        assert backend._hosts == {}
        await lock.start(payload(manufacturer_data()))
        async with client(air, found) as connected:
            assert connected.is_connected

    on_air(test)


@pytest.mark.parametrize("hci", ["unix-client:/nonexistent", "tcp-client:127.0.0.1:1", "nothing", "unix-client"])
def test_a_transport_that_is_none_is_an_error_of_bleaks_and_costs_no_descriptor(hci: str) -> None:
    async def test() -> None:
        with pytest.raises(BleakError):
            await BleakScanner(None, [SERVICE], backend=HciScanner, hci=hci).start()
        assert backend._hosts == {}

    asyncio.run(test())
    before = descriptors()
    asyncio.run(test())
    assert descriptors() == before


def test_a_controller_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "START_SECONDS", 0.05)

    async def test() -> None:
        path = tmp_path / "deaf"
        server = await asyncio.start_unix_server(lambda _reader, writer: hosts.append(writer), path)
        with pytest.raises(BleakError):
            await BleakScanner(None, [SERVICE], backend=HciScanner, hci=f"unix-client:{path}").start()
        assert backend._hosts == {}
        for host in hosts:
            host.close()
        server.close()
        await server.wait_closed()

    hosts: list[asyncio.StreamWriter] = []
    asyncio.run(test())


def test_an_address_alone_leads_nowhere() -> None:
    with pytest.raises(BleakError, match="a device is needed"):
        BleakClient("C0:00:00:00:00:01", backend=HciClient, hci="usb:0")
