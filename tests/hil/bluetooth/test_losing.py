"""Links that end, in each way a radio has, and a bench that finds the lock again afterwards."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from bumble.device import Connection, Device
from bumble.hci import Address

from firmware_sim.ports.air import Air
from hil.bluetooth.bench import RadioBench
from hil.bluetooth.pieces import Way
from hil.bluetooth.radio import SUPERVISION_TIMEOUT
from protocol.bluetooth import LARGEST_MTU, NOTIFY, SMALLEST_MTU
from tests.hil.bluetooth.air import ADDRESS, StubbornAir, echoing, socket_at
from tests.hil.bluetooth.places import Client, Place, at_echo, find, play
from tests.waiting import until

ENDED_BY_PEER = 0x13
HOW = pytest.mark.parametrize("response", [True, False], ids=["response", "no-response"])
ATT_UNLIKELY = 0x0E


async def write_until_lost(client: Client, pieces: list[bytes], *, response: bool) -> None:
    """Write one piece after another, until the link is known to have ended."""
    for piece in pieces:
        try:
            await client.write(piece, response=response)
        except BleakError:
            break
    await client.lost.wait()


async def comes_back(place: Place) -> None:
    """See that the lock can be found, reached and talked to once more."""
    async with place.client() as client:
        assert await client.echoes(b"once more")


@pytest.mark.parametrize("interval", [0.0, 0.005])
@HOW
@pytest.mark.parametrize(("count", "passed"), [(0, 0), (19, 0), (20, 1), (50, 2), (60, 3)])
def test_a_link_ends_at_a_byte_to_the_lock(
    bus: str, tmp_path: Path, response: bool, count: int, passed: int, interval: float
) -> None:
    pieces = [bytes([number]) * 20 for number in range(4)]

    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=SMALLEST_MTU, interval=interval) as place:
            async with place.client() as client:
                place.bench.radio.drop_after(Way.TO_LOCK, count)
                await write_until_lost(client, pieces, response=response)
                await until(lambda: place.echo.endings == [SUPERVISION_TIMEOUT])
                assert place.echo.received == pieces[:passed]
            assert place.bench.central.endings == [SUPERVISION_TIMEOUT]
            await comes_back(place)

    play(scenario())


@pytest.mark.parametrize(("count", "passed"), [(0, 0), (19, 0), (20, 1), (50, 2), (60, 3)])
def test_a_link_ends_at_a_byte_from_the_lock(bus: str, tmp_path: Path, count: int, passed: int) -> None:
    pieces = [bytes([number]) * 20 for number in range(4)]

    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=SMALLEST_MTU) as place:
            async with place.client() as client:
                place.bench.radio.drop_after(Way.FROM_LOCK, count)
                await write_until_lost(client, pieces, response=False)
                await until(lambda: place.echo.endings == [SUPERVISION_TIMEOUT])
                assert client.heard_so_far() == pieces[:passed]
            await comes_back(place)

    play(scenario())


@pytest.mark.parametrize("mtu", [SMALLEST_MTU, LARGEST_MTU])
def test_nobody_is_told_of_silence_until_the_link_is_supervised(bus: str, tmp_path: Path, mtu: int) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=mtu) as place:
            async with place.client() as client:
                assert await client.echoes(b"heard")
                place.bench.radio.silence()
                await client.write(b"lost", response=False)
                await place.echo.say(b"lost, too")
                pending = asyncio.create_task(client.write(b"pending", response=True))
                await place.bench.bluez.census()
                assert client.bleak.is_connected
                place.bench.radio.supervise()
                with pytest.raises(BleakGATTProtocolError) as unlikely:
                    await pending
                assert unlikely.value.code == ATT_UNLIKELY
                await client.lost.wait()
                await until(lambda: place.echo.endings == [SUPERVISION_TIMEOUT])
                assert place.echo.received == [b"heard"]
                assert client.heard.empty()
            assert place.bench.central.endings == [SUPERVISION_TIMEOUT]
            await comes_back(place)

    play(scenario())


def test_a_write_that_is_pending_when_the_lock_hangs_up_fails(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            async with place.client() as client:
                place.echo.speaks.clear()
                pending = asyncio.create_task(client.write(b"pending", response=True))
                await until(lambda: place.echo.received == [b"pending"])
                await place.echo.links[0].disconnect()
                with pytest.raises(BleakGATTProtocolError) as unlikely:
                    await pending
                assert unlikely.value.code == ATT_UNLIKELY
                await client.lost.wait()
            assert place.bench.central.endings == [ENDED_BY_PEER]
            place.echo.speaks.set()
            await comes_back(place)

    play(scenario())


def test_what_waits_behind_a_pending_write_fails_with_it(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            place.echo.speaks.clear()
            pending = asyncio.create_task(client.write(b"pending", response=True))
            await until(lambda: place.echo.received == [b"pending"])
            behind = asyncio.create_task(client.bleak.read_gatt_char(NOTIFY))
            await place.bench.bluez.census()
            await place.echo.links[0].disconnect()
            for operation in (pending, behind):
                with pytest.raises(BleakGATTProtocolError) as unlikely:
                    await operation
                assert unlikely.value.code == ATT_UNLIKELY

    play(scenario())


def test_a_link_that_the_client_ends_has_ended_at_the_lock(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            for _ in range(5):
                async with place.client() as client:
                    assert await client.echoes(b"here")
            await until(lambda: place.echo.endings == [ENDED_BY_PEER] * 5)

    play(scenario())


def test_a_lock_that_is_away_is_connected_once_it_is_back(
    bus: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """bleak tries again after `le-connection-abort-by-local`, as soon as it has seen Connected=False."""
    caplog.set_level(logging.DEBUG, "bleak.backends.bluezdbus.client")

    async def scenario() -> None:
        async with at_echo(bus, tmp_path, connect_within=0.05) as place:
            client = Client(await find())
            await place.echo.fall_silent()
            opening = asyncio.create_task(client.open())
            await until(lambda: "retry due to le-connection-abort-by-local" in caplog.text)
            await place.echo.advertise()
            await opening
            assert await client.echoes(b"found")
            await client.bleak.disconnect()

    play(scenario())


@pytest.mark.parametrize("kind", [Air, StubbornAir], ids=["obedient", "stubborn"])
def test_a_connection_that_is_given_up_leaves_nothing_behind(bus: str, tmp_path: Path, kind: type[Air]) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path, kind) as place:
            client = Client(await find(), timeout=0.05)
            await place.echo.fall_silent()
            with pytest.raises(TimeoutError):
                await client.open()
            await place.echo.advertise()
            await comes_back(place)
            assert len(place.echo.links) == 1

    play(scenario())


def test_the_death_of_the_simulator_ends_links_and_a_new_one_is_found(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echoing() as (air, echo), AsyncExitStack() as simulator:
            name = await simulator.enter_async_context(socket_at(air, tmp_path / "hci"))
            async with RadioBench(name, bus=bus) as bench:
                place = Place(air=air, echo=echo, bench=bench)
                async with place.client() as client:
                    assert await client.echoes(b"here")
                    await simulator.aclose()
                    await client.lost.wait()
                assert bench.central.endings == [SUPERVISION_TIMEOUT]
                assert echo.endings == [SUPERVISION_TIMEOUT]
                async with socket_at(air, tmp_path / "hci"):
                    await comes_back(place)

    play(scenario())


def test_a_simulator_that_dies_as_soon_as_it_is_connected_ends_the_link(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with echoing() as (air, _), AsyncExitStack() as simulator:
            name = await simulator.enter_async_context(socket_at(air, tmp_path / "hci"))
            async with RadioBench(name, bus=bus) as bench:
                await bench.central.ready.wait()
                connect = Device.connect

                async def connect_and_die(device: Device, address: Address, **how: Any) -> Connection:
                    connection = await connect(device, address, **how)
                    await simulator.aclose()
                    await until(bench.radio.terminated.done)
                    return connection

                monkeypatch.setattr(Device, "connect", connect_and_die)
                link = await bench.central.connect(Address(ADDRESS))
                assert await link.ended == SUPERVISION_TIMEOUT

    play(scenario())


def test_bluetoothd_may_die_and_start_again(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            client = Client(await find())
            await client.open()
            await place.bench.bluez.stop()
            await until(lambda: len(place.echo.endings) == 1)
            assert client.bleak.is_connected  # it cannot know
            with pytest.raises(BleakDBusError, match="ServiceUnknown"):
                await client.write(b"nobody", response=True)
            with pytest.raises(BleakDBusError, match="ServiceUnknown"):
                await client.bleak.disconnect()
            await place.bench.bluez.start()
            await comes_back(place)

    play(scenario())


def test_a_link_that_ends_as_it_begins_has_ended(bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one too many does: its end is there before anybody who asked for it can listen."""

    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            await place.bench.central.ready.wait()
            connect = Device.connect

            async def connect_and_be_cut(device: Device, address: Address, **how: Any) -> Connection:
                connection = await connect(device, address, **how)
                await place.echo.links[-1].disconnect()
                await until(lambda: connection.handle not in device.connections)
                return connection

            monkeypatch.setattr(Device, "connect", connect_and_be_cut)
            link = await place.bench.central.connect(Address(ADDRESS))
            assert link.ended.done()
            await link.disconnect()

    play(scenario())
