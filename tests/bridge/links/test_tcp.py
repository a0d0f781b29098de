"""What a TCP link adds: why a connection cannot be made, and that small frames go at once."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from bridge.errors import Unreachable
from bridge.links.tcp import TcpLink, open_tcp
from tests.bridge.links.ends import tcp_end


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def sentence(host: str, port: int) -> str:
    with pytest.raises(Unreachable) as failure:
        asyncio.run(open_tcp(host, port))
    return str(failure.value)


def test_a_refused_connection_names_the_place_once() -> None:
    port = unused_port()
    assert sentence("127.0.0.1", port) == (
        f"Cannot connect to 127.0.0.1:{port}: Connection refused. Is the lock running there?"
    )


def answering(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    """Let name resolution find addresses, or fail, without asking a network."""

    async def getaddrinfo(*_: object, **__: object) -> object:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


def test_an_unknown_name_is_told_in_the_resolvers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    assert "lock.example:7000: Name or service not known." in sentence("lock.example", 7000)


def test_a_name_that_no_host_can_have_is_told() -> None:
    assert "a..b:7000: no host can have this name." in sentence("a..b", 7000)


def test_a_host_with_several_addresses_of_which_none_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    answering(monkeypatch, [(*kind, (f"127.0.0.{number}", unused_port())) for number in (1, 2)])
    assert "lock.example:7000: none of its addresses answers." in sentence("lock.example", 7000)


def test_a_host_that_says_nothing_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("bridge.links.tcp._CONNECT_SECONDS", 0.01)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", never)
    assert sentence("192.0.2.1", 7000).startswith("Nothing answers at 192.0.2.1:7000 within 0.01 s.")


def test_closing_ends_the_connection_at_the_other_side_too() -> None:
    async def scenario() -> None:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionResetError):
                await reader.read()
            writer.close()
            ended.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            link = await open_tcp(*server.sockets[0].getsockname())
            await link.close()
            async with asyncio.timeout(10):
                await ended.wait()

    asyncio.run(scenario())


def test_small_frames_go_at_once() -> None:
    async def scenario() -> None:
        async with tcp_end() as end:
            host, _, port = end.target.removeprefix("tcp:").rpartition(":")
            link = await open_tcp(host, int(port))
            assert isinstance(link, TcpLink)
            assert link._transport is not None
            assert link._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await link.close()

    asyncio.run(scenario())
