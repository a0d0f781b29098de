"""Stock bleak talks to an echo through the bench, in pieces of each size and both ways of writing."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from bleak.exc import BleakDBusError, BleakGATTProtocolError
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address

from hil.bluetooth.pieces import Way
from protocol.bluetooth import ATT_HEADER, LARGEST_MTU, NOTIFY, SMALLEST_MTU, WRITE
from tests.hil.bluetooth.air import ADDRESS
from tests.hil.bluetooth.places import at_echo, find, play
from tests.waiting import until

HOW = pytest.mark.parametrize("response", [True, False], ids=["response", "no-response"])
MTUS = pytest.mark.parametrize("mtu", [SMALLEST_MTU, LARGEST_MTU])
CRASHING = """
import asyncio, sys
from bleak import BleakClient, BleakScanner
async def main():
    device = await BleakScanner.find_device_by_address(sys.argv[1])
    client = BleakClient(device)
    await client.connect()
    await client.start_notify(sys.argv[2], print)
    searching = BleakScanner()
    await searching.start()
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@MTUS
@HOW
def test_pieces_of_the_full_size_come_back(bus: str, tmp_path: Path, mtu: int, response: bool) -> None:
    pieces = [bytes([number]) * (mtu - ATT_HEADER) for number in range(10)]

    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=mtu) as place, place.client() as client:
            characteristic = client.bleak.services.get_characteristic(WRITE)
            assert characteristic is not None
            assert characteristic.max_write_without_response_size == mtu - ATT_HEADER
            for piece in pieces:
                await client.write(piece, response=response)
            assert [await client.heard.get() for _ in pieces] == pieces
            assert place.echo.received == pieces

    play(scenario())


@HOW
def test_a_connection_interval_keeps_the_order(bus: str, tmp_path: Path, response: bool) -> None:
    pieces = [bytes([number]) * 20 for number in range(6)]

    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=SMALLEST_MTU, interval=0.015) as place, place.client() as client:
            for piece in pieces:
                await client.write(piece, response=response)
            assert [await client.heard.get() for _ in pieces] == pieces
            assert place.echo.received == pieces

    play(scenario())


def test_what_does_not_fit_into_one_piece_is_not_written_in_part(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path, mtu=SMALLEST_MTU) as place, place.client() as client:
            with pytest.raises(BleakDBusError, match="Failed to initiate write"):
                await client.write(bytes(21), response=False)
            assert await client.echoes(bytes(20), response=False)
            assert place.echo.received == [bytes(20)]

    play(scenario())


def test_a_second_write_waits_for_the_first(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            place.echo.speaks.clear()
            first = asyncio.create_task(client.write(b"first", response=True))
            await until(lambda: place.echo.received == [b"first"])
            second = asyncio.create_task(client.write(b"second", response=False))
            place.echo.speaks.set()
            await asyncio.gather(first, second)
            assert [await client.heard.get() for _ in range(2)] == [b"first", b"second"]

    play(scenario())


def test_what_a_characteristic_cannot_do_is_refused(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            with pytest.raises(BleakDBusError, match="NotSupported"):
                await client.bleak.start_notify(WRITE, lambda *_: None)
            with pytest.raises(BleakGATTProtocolError):
                await client.bleak.write_gatt_char(NOTIFY, b"no", response=False)
            assert await client.bleak.read_gatt_char(NOTIFY) == b""
            assert place.echo.received == []

    play(scenario())


def test_notifications_end_with_the_subscription(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            assert await client.echoes(b"heard")
            await client.bleak.stop_notify(NOTIFY)
            await client.write(b"unheard", response=True)
            await client.bleak.start_notify(NOTIFY, lambda _, value: client.heard.put_nowait(bytes(value)))
            assert await client.echoes(b"heard again")
            assert place.echo.subscriptions == [True, False, True]

    play(scenario())


def test_pieces_may_be_lost_or_change_places(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            place.bench.radio.lose(Way.TO_LOCK)
            for piece in (b"1", b"2"):
                await client.write(piece, response=False)
            assert await client.heard.get() == b"2"
            place.bench.radio.swap(Way.TO_LOCK)
            for piece in (b"3", b"4"):
                await client.write(piece, response=False)
            assert [await client.heard.get() for _ in range(2)] == [b"4", b"3"]
            place.bench.radio.lose(Way.FROM_LOCK)
            await client.write(b"5", response=True)
            place.bench.radio.swap(Way.FROM_LOCK)
            for piece in (b"6", b"7"):
                await client.write(piece, response=True)
            assert [await client.heard.get() for _ in range(2)] == [b"7", b"6"]
            assert place.echo.received == [b"2", b"4", b"3", b"5", b"6", b"7"]

    play(scenario())


def test_a_stranger_may_be_on_the_same_air(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client, place.bench.stranger() as other:
            await place.echo.advertise()
            link = await other.connect(Address(ADDRESS))
            of: dict[str, CharacteristicProxy[bytes]] = {
                characteristic.uuid.to_hex_str("-").lower(): characteristic
                for service in await link.resolve()
                for characteristic in service.characteristics
            }
            heard: asyncio.Queue[bytes] = asyncio.Queue()
            await link.subscribe(of[NOTIFY], heard.put_nowait)
            await link.write(of[WRITE], b"stranger")
            assert await heard.get() == b"stranger"
            assert await client.echoes(b"client")
            await link.disconnect()
            assert len(place.echo.endings) == 1
            assert await client.echoes(b"client still")

    play(scenario())


def test_what_a_dead_client_asked_for_ends_while_its_link_stays(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            dying = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CRASHING, ADDRESS, NOTIFY, stdout=asyncio.subprocess.PIPE
            )
            assert dying.stdout is not None
            assert await dying.stdout.readline() == b"ready\n"
            dying.send_signal(signal.SIGKILL)
            await dying.wait()
            await until(lambda: place.echo.subscriptions == [True, False])
            await place.echo.advertise()
            async with place.client() as client:
                assert await client.echoes(b"on the old link")
                assert len(place.echo.links) == 1
                assert place.echo.subscriptions == [True, False, True]

    play(scenario())


def test_two_clients_share_one_link_and_one_subscription(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as first:
            await place.echo.advertise()
            async with place.client() as second:
                await first.write(b"both", response=True)
                assert (await first.heard.get(), await second.heard.get()) == (b"both", b"both")
                await first.bleak.stop_notify(NOTIFY)
                assert await second.echoes(b"the second")
                assert (len(place.echo.links), place.echo.subscriptions) == (1, [True])
            await first.lost.wait()

    play(scenario())


def test_a_device_that_is_removed_is_disconnected(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place, place.client() as client:
            await client.bleak.unpair()
            await until(lambda: len(place.echo.endings) == 1)

    play(scenario())


def test_the_census_shows_who_is_left_on_the_bus(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with at_echo(bus, tmp_path) as place:
            await find()
            before = await place.bench.bluez.census()
            async with place.client():
                during = await place.bench.bluez.census()
            assert during.clients == before.clients + 1
            assert await place.bench.bluez.census() == before
            assert before.matches > 0

    play(scenario())
