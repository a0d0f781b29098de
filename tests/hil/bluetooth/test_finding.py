"""Stock bleak looks for the lock: it is found by what it advertises, and by nothing when there is nothing to find."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError

from hil.bluetooth.bench import RadioBench
from hil.errors import BenchError
from protocol.bluetooth import COMPANY, SERVICE, decode_advertisement
from tests.hil.bluetooth.air import ADDRESS, ADVERTISED, echoing, socket_at
from tests.hil.bluetooth.places import Client, at_echo, find, play
from tests.waiting import until


def test_a_lock_is_found_by_its_service_and_read_from_its_manufacturer_data(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path):
            found: asyncio.Queue[tuple[BLEDevice, AdvertisementData]] = asyncio.Queue()
            async with BleakScanner(lambda device, told: found.put_nowait((device, told)), service_uuids=[SERVICE]):
                device, told = await found.get()
            assert device.address == ADDRESS
            assert told.service_uuids == [SERVICE]
            assert decode_advertisement(told.manufacturer_data[COMPANY]) == ADVERTISED
            assert told.rssi == -50

    play(scenario())


def test_what_is_new_in_the_advertisement_is_told(bus: str, tmp_path: Path) -> None:
    news = replace(ADVERTISED, change=8)

    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            heard = asyncio.Queue[AdvertisementData]()
            async with BleakScanner(lambda _, told: heard.put_nowait(told)):
                await heard.get()
                await place.echo.fall_silent()
                await place.echo.advertise(news)
                while decode_advertisement((await heard.get()).manufacturer_data[COMPANY]) != news:
                    pass

    play(scenario())


def test_a_lock_that_is_still_there_is_announced_to_each_search(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path):
            assert (await find()).details["path"] == (await find()).details["path"]

    play(scenario())


def test_a_lock_that_has_gone_is_forgotten(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path, forget_after=0.3) as place, BleakScanner() as scanner:
            await until(lambda: bool(scanner.discovered_devices))
            await place.echo.fall_silent()
            await until(lambda: not scanner.discovered_devices)

    play(scenario())


def test_a_lock_that_has_gone_is_not_announced_to_a_new_search(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            await find()
            await place.echo.fall_silent()
            assert await BleakScanner.discover(timeout=0.1) == []

    play(scenario())


def test_an_adapter_without_power_says_so_and_comes_back(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            device = await find()
            await place.bench.bluez.power(False)
            with pytest.raises(BleakBluetoothNotAvailableError) as off:
                await find()
            assert off.value.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
            with pytest.raises(BleakDBusError, match="NotReady"):
                await Client(device).open()
            await place.bench.bluez.power(True)
            async with place.client() as client:
                assert await client.echoes(b"back")

    play(scenario())


def test_power_that_goes_ends_links_and_searches(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            scanner = BleakScanner()
            await scanner.start()
            await place.bench.bluez.power(False)
            await client.lost.wait()
            await scanner.stop()
            await until(lambda: len(place.echo.endings) == 1)

    play(scenario())


def test_a_machine_without_an_adapter_says_so(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            device = await find()
            await place.bench.bluez.unplug()
            with pytest.raises(BleakBluetoothNotAvailableError) as missing:
                await find()
            assert missing.value.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            with pytest.raises(BleakError, match="not found"):
                await Client(device).open()
            await place.bench.bluez.plug()
            async with place.client() as client:
                assert await client.echoes(b"back")

    play(scenario())


def test_a_bench_may_be_there_before_the_air(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with RadioBench(f"unix-client:{tmp_path / 'hci'}", bus=bus) as bench:
            assert not bench.central.ready.is_set()
            search = asyncio.create_task(BleakScanner.find_device_by_address(ADDRESS))
            async with echoing() as (air, _), socket_at(air, tmp_path / "hci"):
                assert await search is not None

    play(scenario())


@pytest.mark.parametrize("name", ["carrier-pigeon:PATH", "tcp-client:nowhere"])
def test_a_transport_that_makes_no_sense_is_refused(bus: str, name: str) -> None:
    async def scenario() -> None:
        with pytest.raises(BenchError, match="There is no HCI transport"):
            async with RadioBench(name, bus=bus):
                pass

    play(scenario())
