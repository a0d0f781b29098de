"""The lock on a real TCP port: three links and no more, each with an end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from firmware_sim.errors import PortError
from firmware_sim.ports.pty import serve_pty
from firmware_sim.ports.tcp import serve_tcp
from protocol.framing import Frame, FrameDecoder, Kind
from tests.firmware_sim.ports.clients import Counting, PtyClient, hello
from tests.waiting import PATIENCE, until


class TcpClient:
    """A program that has connected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def greets(self, counter: int) -> bool:
        """Say hello; whether the answer is the one to this hello."""
        self.writer.write(hello(counter))
        decoder = FrameDecoder()
        async with asyncio.timeout(PATIENCE):
            while data := await self._reader.read(4096):
                for frame in decoder.feed(data):
                    return isinstance(frame, Frame) and (frame.kind, frame.counter) == (Kind.HELLO_RESPONSE, counter)
        return False

    async def is_hung_up(self) -> bool:
        """Wait for the end of the link."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read() == b""


@asynccontextmanager
async def client_of(place: str) -> AsyncIterator[TcpClient]:
    host, _, port = place.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield TcpClient(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def test_each_connection_is_a_link_of_its_own() -> None:
    async def main() -> None:
        async with serve_tcp(Counting(), "127.0.0.1", 0) as place:
            assert not place.endswith(":0")
            async with client_of(place) as first, client_of(place) as second:
                assert await first.greets(1)
                assert await second.greets(2)

    asyncio.run(main())


def test_the_fourth_client_is_hung_up_and_a_place_that_gets_free_is_taken() -> None:
    async def main() -> None:
        async with serve_tcp(Counting(), "127.0.0.1", 0) as place, client_of(place) as first:
            async with client_of(place) as second, client_of(place) as third:
                for number, client in enumerate((first, second, third)):
                    assert await client.greets(number)
                async with client_of(place) as fourth:
                    assert await fourth.is_hung_up()
                assert await first.greets(9)
            async with client_of(place) as another:
                assert await another.greets(1)

    asyncio.run(main())


def test_a_loss_of_power_hangs_up_every_connection_and_no_wire(tmp_path: Path) -> None:
    async def main() -> None:
        lock, path = Counting(), tmp_path / "lock0"
        with serve_pty(lock, path), closing(PtyClient(path)) as wired:
            async with serve_tcp(lock, "127.0.0.1", 0) as place, client_of(place) as client:
                assert await client.greets(1)
                lock.power_cycle()
                assert await client.is_hung_up()
                assert await wired.greets(2)
                async with client_of(place) as again:
                    assert await again.greets(3)

    asyncio.run(main())


def test_a_client_that_is_too_far_behind_in_reading_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_sim.ports.tcp._QUEUE", -1)  # anything is too far

    async def main() -> None:
        async with serve_tcp(Counting(), "127.0.0.1", 0) as place, client_of(place) as client:
            assert not await client.greets(1)
            assert await client.is_hung_up()

    asyncio.run(main())


def test_the_end_of_the_simulator_hangs_up() -> None:
    async def main() -> None:
        async with serve_tcp(Counting(), "127.0.0.1", 0) as place:
            reader, writer = await asyncio.open_connection(*place.split(":"))
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*place.split(":"))

    asyncio.run(main())


def test_a_port_in_use_is_told_in_a_sentence() -> None:
    async def main() -> None:
        async with serve_tcp(Counting(), "127.0.0.1", 0) as place:
            with pytest.raises(PortError, match=r"already in use.*Choose another place for --tcp"):
                await serve_tcp(Counting(), "127.0.0.1", int(place.split(":")[1])).__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize("host", ["300.1.1.1", "a..b", "x" * 300, "192.0.2.1"])
def test_a_host_that_is_not_here_is_told_in_a_sentence(host: str) -> None:
    async def main() -> None:
        with pytest.raises(PortError, match=r"^Cannot listen at .*: [^:]*\. Choose another place for --tcp\.$"):
            await serve_tcp(Counting(), host, 0).__aenter__()

    asyncio.run(main())


def test_a_client_that_vanishes_in_mid_frame_frees_its_place() -> None:
    async def main() -> None:
        lock = Counting()
        async with serve_tcp(lock, "127.0.0.1", 0) as place:
            for _ in range(5):
                async with client_of(place) as client:
                    client.writer.write(hello(1)[:7])
            await until(lambda: lock.received == 5 * 7)
            async with client_of(place) as last:
                assert await last.greets(1)

    asyncio.run(main())
