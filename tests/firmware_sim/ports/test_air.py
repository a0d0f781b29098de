"""The virtual air: where it can be, who may come, and what becomes of whoever vanishes."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from bumble.att import ATT_CID
from bumble.core import TimeoutError as BleTimeoutError
from bumble.device import Connection
from bumble.hci import HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR, Address, OwnAddressType

from firmware_sim.errors import OptionError, PortError
from firmware_sim.ports.ble import serve_ble
from protocol.bluetooth import decode_advertisement
from tests.firmware_sim.ports.centrals import central_at, client_at, connected_to, seen_by, to_client
from tests.firmware_sim.ports.clients import Counting, hello
from tests.waiting import PATIENCE, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "air"


@pytest.fixture
def air(path: Path) -> str:
    return f"unix-server:{path}"


# --- a socket file ---


def test_the_socket_is_for_its_owner_alone_and_gone_afterwards(path: Path, air: str) -> None:
    async def main() -> os.stat_result:
        async with serve_ble(Counting(), air) as place:
            assert place == air
            return os.stat(path)

    status = asyncio.run(main())
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert not path.exists()


def test_a_socket_that_a_killed_simulator_has_left_is_replaced(path: Path, air: str) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    async def main() -> None:
        async with serve_ble(Counting(), air) as place, client_at(place) as client:
            assert await client.greets(1)

    asyncio.run(main())


def test_an_air_in_use_is_told_in_a_sentence_and_goes_on(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Counting(), air) as place:
            with pytest.raises(PortError, match=r"^Another simulated lock listens at .*another path for --ble\.$"):
                await serve_ble(Counting(), air).__aenter__()
            async with client_at(place) as client:
                assert await client.greets(1)

    asyncio.run(main())


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_what_is_no_socket_stays(path: Path, air: str, make: Callable[[Path], None]) -> None:
    make(path)

    async def main() -> None:
        with pytest.raises(PortError, match=r"exists and is no socket\. Choose another path for --ble\.$"):
            await serve_ble(Counting(), air).__aenter__()

    asyncio.run(main())
    assert path.exists()


# --- a port ---


def test_the_lock_is_reached_over_tcp_where_the_system_chose_the_port() -> None:
    async def main() -> None:
        async with serve_ble(Counting(), "tcp-server:127.0.0.1:0") as place:
            assert place.startswith("tcp-server:127.0.0.1:")
            assert not place.endswith(":0")
            async with client_at(place, 1, mtu=247) as first, client_at(place, 2) as second:
                assert await first.greets(1)
                assert await second.greets(2, response=False)

    asyncio.run(main())


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    async def main() -> None:
        async with serve_ble(Counting(), "tcp-server:127.0.0.1:0") as place:
            with pytest.raises(PortError, match=r"already in use.*Choose another place for --ble"):
                await serve_ble(Counting(), place).__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize("host", ["300.1.1.1", "a..b", "192.0.2.1"])
def test_a_host_that_is_not_here_is_told_in_a_sentence(host: str) -> None:
    async def main() -> None:
        with pytest.raises(PortError, match=r"^Cannot listen at .*: [^:]*\. Choose another place for --ble\.$"):
            await serve_ble(Counting(), f"tcp-server:{host}:0").__aenter__()

    asyncio.run(main())


# --- other transports ---


@pytest.mark.parametrize(
    "transport", ["unix-server:", "nonsense", "nonsense:1", "usb", "serial:", "hci-socket", "tcp-server"]
)
def test_what_is_no_transport_is_told_in_a_sentence(transport: str) -> None:
    async def main() -> None:
        with pytest.raises(
            OptionError, match=rf"^'{transport}' is no Bluetooth transport\. Try --ble unix-server:PATH, "
        ):
            await serve_ble(Counting(), transport).__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize("place", ["7001", ":7001", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http"])
def test_what_is_no_port_is_told_in_a_sentence(place: str) -> None:
    async def main() -> None:
        with pytest.raises(
            OptionError, match=r"is no tcp-server:HOST:PORT\. Try --ble tcp-server:127\.0\.0\.1:7001\.$"
        ):
            await serve_ble(Counting(), f"tcp-server:{place}").__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize(
    "transport",
    ["serial:/dev/nowhere,1000000", "serial:/dev/null,fast", "unix:/nowhere/air", "tcp-client:7001", "usb:ffff:ffff"],
)
def test_a_controller_that_cannot_be_opened_is_told_in_a_sentence(transport: str) -> None:
    async def main() -> None:
        with pytest.raises(PortError) as caught:
            await serve_ble(Counting(), transport).__aenter__()
        assert str(caught.value).startswith(f"Cannot open the Bluetooth controller {transport}: ")
        assert str(caught.value).endswith(". Plug it in, or choose another one for --ble.")
        assert "\n" not in str(caught.value)

    asyncio.run(main())


def test_a_controller_that_does_not_answer_is_told_in_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.ports.ble._START_SECONDS", 0)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_unix_server(asyncio.Protocol, str(path))
        with pytest.raises(PortError, match=r"^The Bluetooth controller unix:.* does not answer\. "):
            await serve_ble(Counting(), f"unix:{path}").__aenter__()
        server.close()

    asyncio.run(main())


def test_a_lock_finds_a_controller_of_its_own_on_another_lock_s_air(air: str) -> None:
    async def main() -> None:
        locks = [Counting(), Counting()]
        async with serve_ble(locks[0], air) as place, serve_ble(locks[1], to_client(place)) as second:
            assert second == to_client(place)
            async with central_at(place) as device:
                seen: set[int] = set()
                device.on(
                    device.EVENT_ADVERTISEMENT,
                    lambda told: seen.add(decode_advertisement(told.data_bytes[25:]).lock_id),
                )
                await device.start_scanning()
                await until(lambda: len(seen) == 2)
                assert seen == {lock.device.factory.lock_id for lock in locks}

    asyncio.run(main())


def test_a_lock_whose_controller_is_lost_tells_the_loop(air: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.ports.ble._END_SECONDS", 0.01)

    async def main() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with AsyncExitStack() as stack:
            async with serve_ble(Counting(), air) as place:
                await stack.enter_async_context(serve_ble(Counting(), to_client(place)))
                assert told == []
            await until(lambda: told != [])
        assert [type(context["exception"]) for context in told] == [PortError]

    asyncio.run(main())


# --- centrals ---


def test_a_client_that_vanishes_frees_its_places(air: str) -> None:
    async def main() -> None:
        lock = Counting()
        async with serve_ble(lock, air) as place:
            for _ in range(5):
                async with client_at(place) as client:
                    await client.write(hello(1)[:7])
            await until(lambda: lock.received == 5 * 7)
            async with client_at(place) as last:
                assert await last.greets(1)

    asyncio.run(main())


def test_a_central_with_a_public_address_is_served(air: str) -> None:
    async def main() -> None:
        public = OwnAddressType.PUBLIC
        async with (
            serve_ble(Counting(), air) as place,
            connected_to(place, 1, own=public) as first,
            connected_to(place, 2, own=public) as second,
        ):
            for client in (first, second):
                await client.discover()
                await client.subscribe()
                assert await client.greets(1)

    asyncio.run(main())


def test_a_connection_that_never_comes_about_can_be_given_up(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Counting(), air) as place, central_at(place) as device:
            with pytest.raises(BleTimeoutError):
                await device.connect(Address("C9:99:99:99:99:99"), timeout=0.01)
            connection = await device.connect((await seen_by(device)).address, timeout=PATIENCE)
            await connection.disconnect()

    asyncio.run(main())


def test_centrals_that_connect_in_the_same_moment_are_taken_or_told(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Counting(), air) as place, AsyncExitStack() as stack:
            devices = [await stack.enter_async_context(central_at(place, number)) for number in (1, 2, 3)]
            address = (await seen_by(devices[0])).address
            ends: list[int] = []

            def connected(connection: Connection) -> None:
                connection.on(connection.EVENT_DISCONNECTION, ends.append)

            for device in devices:
                device.on(device.EVENT_CONNECTION, connected)
            await asyncio.gather(*(device.connect(address) for device in devices))
            await until(lambda: len(ends) == 2)
            assert ends == [HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR] * 2
            assert sum(len(device.connections) for device in devices) == 1

    asyncio.run(main())


def test_a_client_that_does_not_read_is_off_the_air(air: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.ports.air._QUEUE", -1)  # anything is too far

    async def main() -> None:
        async with serve_ble(Counting(), air):
            reader, writer = await asyncio.open_unix_connection(air.removeprefix("unix-server:"))
            writer.write(bytes.fromhex("01030c00"))  # HCI_Reset, which is answered
            async with asyncio.timeout(PATIENCE):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("garbage", [b"\xff", b"\x00" * 50, b"GET / HTTP/1.1\r\n\r\n"])
def test_a_client_that_speaks_no_hci_is_hung_up(air: str, garbage: bytes) -> None:
    async def main() -> None:
        async with serve_ble(Counting(), air) as place:
            reader, writer = await asyncio.open_unix_connection(air.removeprefix("unix-server:"))
            writer.write(garbage)
            async with asyncio.timeout(PATIENCE):
                assert await reader.read() == b""
            writer.close()
            async with client_at(place) as client:
                assert await client.greets(1)

    asyncio.run(main())


def test_the_end_of_the_air_hangs_up(air: str) -> None:
    async def main() -> None:
        async with serve_ble(Counting(), air):
            reader, writer = await asyncio.open_unix_connection(air.removeprefix("unix-server:"))
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()

    asyncio.run(main())


@pytest.mark.parametrize("packet", ["12", "1203", "52", "02", "080000"])
def test_what_is_no_att_packet_is_dropped_and_disturbs_nobody(air: str, packet: str) -> None:
    failures: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async with serve_ble(Counting(), air) as place, client_at(place) as client:
            client.connection.send_l2cap_pdu(ATT_CID, bytes.fromhex(packet))
            assert await client.greets(1)

    asyncio.run(main())
    assert failures == []
