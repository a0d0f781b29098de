"""Ports that pyserial reads by a thread, through a socket: the thread ends with the link, whatever happens."""

import asyncio
import socket
import threading

import pytest

from bridge.errors import LinkLost
from bridge.links.serial import ThreadLink, open_serial
from tests.bridge.links.ends import End, hurry, socket_end, threads

# pyserial forgets to close a socket whose other end has gone first; it is closed when the object goes
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    return hurry(monkeypatch)


async def opened(end: End) -> ThreadLink:
    link = await open_serial(end.target.removeprefix("serial:"))
    assert isinstance(link, ThreadLink)
    return link


def test_a_thread_ends_by_itself_when_the_port_goes_away() -> None:
    async def scenario() -> None:
        async with socket_end() as end:
            link = await opened(end)
            await link.write(b"?")
            await end.hear(1)
            (thread,) = set(threads()) - before
            end.go()
            with pytest.raises(LinkLost, match=r"^The serial port socket://.* was lost\."):
                await link.read()
            await asyncio.to_thread(thread.join)
            await link.close()

    before = set(threads())
    asyncio.run(scenario())


def test_closing_does_not_hold_up_the_loop(waited: list[threading.Thread]) -> None:
    async def scenario() -> None:
        async with socket_end() as end:
            await (await opened(end)).close()
        assert len(waited) == 1  # pyserial sleeps 0.3 s over the end of a socket
        assert threading.current_thread() not in waited

    asyncio.run(scenario())


def test_a_peer_that_does_not_read_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.links.serial.WRITE_SECONDS", 0.05)

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            link = await open_serial(f"socket://127.0.0.1:{deaf.getsockname()[1]}")
            with pytest.raises(LinkLost):
                await link.write(bytes(100_000_000))
            await link.close()

    asyncio.run(scenario())


def test_a_loop_that_ends_before_its_link_leaves_a_thread_that_ends_in_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = set(threads())
        link = asyncio.run(open_serial(f"socket://127.0.0.1:{server.getsockname()[1]}"))
        assert isinstance(link, ThreadLink)
        (thread,) = set(threads()) - before
        accepted, _ = server.accept()
        accepted.sendall(b"nobody listens")
        thread.join(10)
        assert not thread.is_alive()
        accepted.close()
        link._port.close()


def test_the_thread_has_ended_before_the_port_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        before = set(threads())
        link = await open_serial("loop://")
        assert isinstance(link, ThreadLink)
        (thread,) = set(threads()) - before
        alive: list[bool] = []
        monkeypatch.setattr(link._port, "close", lambda: alive.append(thread.is_alive()))
        await link.close()
        assert alive == [False]

    asyncio.run(scenario())


def test_a_port_whose_settings_are_its_own_affair_is_read_all_the_same() -> None:
    async def scenario() -> None:
        link = await open_serial("loop://")
        await link.write(b"echo")
        heard = b""
        while len(heard) < 4:
            heard += await link.read()
        assert heard == b"echo"
        await link.close()

    before = threading.active_count()
    asyncio.run(scenario())
    assert threading.active_count() == before
