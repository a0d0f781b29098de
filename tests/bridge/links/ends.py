"""The far ends of links of every kind, as a test holds them: it says bytes, hears bytes, and goes away."""

import asyncio
import os
import socket
import threading
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.links import MemoryHub
from bridge.links.base import Inbox
from tests.bridge.links.peripherals import LOCK_ID, manufacturer_data, open_air, payload


class End:
    """One far end; `target` opens it, through `hub` where that is needed."""

    ack_timeout = 0.3
    """What a link to it leaves the lock for an answer."""

    def __init__(self, target: str, say: Callable[[bytes], object], go: Callable[[], object]) -> None:
        self.target = target
        self.hub = MemoryHub()
        self.say = say
        self.go = go
        self._inbox = Inbox()

    def take(self, data: bytes) -> None:
        """Take what the bridge says."""
        self._inbox.put(data)

    async def hear(self, size: int) -> bytes:
        """Return the next bytes of the bridge, `size` of them."""
        heard = b""
        while len(heard) < size:
            heard += await self._inbox.get("The test hears no more.")
        return heard


class _Plug:
    def __init__(self, end: End) -> None:
        self._end = end

    def receive(self, data: bytes) -> None:
        self._end.take(data)

    def disconnect(self) -> None:
        """Nothing is left to do."""


class _Far:
    """All memory links to one end."""

    def __init__(self) -> None:
        self._inboxes: list[Inbox] = []
        self.end = End("memory:far", self._say, self._go)
        self.end.hub.ends["far"] = self

    def connect(self, inbox: Inbox) -> _Plug:
        self._inboxes.append(inbox)
        return _Plug(self.end)

    def _say(self, data: bytes) -> None:
        for inbox in self._inboxes:
            inbox.put(data)

    def _go(self) -> None:
        for inbox in self._inboxes:
            inbox.lose()


@asynccontextmanager
async def memory_end() -> AsyncIterator[End]:
    """Yield an end in this process."""
    yield _Far().end


@asynccontextmanager
async def pty_end() -> AsyncIterator[End]:
    """Yield the master of a pseudo-terminal."""
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    tty.setraw(slave)  # held open to the end: without any client, reading the master fails
    os.set_blocking(master, False)
    end = End(f"serial:{os.ttyname(slave)}", lambda data: os.write(master, data), lambda: _hang_up(loop, master))
    loop.add_reader(master, lambda: end.take(os.read(master, 4096)))
    try:
        yield end
    finally:
        os.close(slave)
        if loop.remove_reader(master):
            os.close(master)


def _hang_up(loop: asyncio.AbstractEventLoop, master: int) -> None:
    loop.remove_reader(master)
    os.close(master)


class _Connections(asyncio.Protocol):
    """All connections to one port."""

    def __init__(self, target: str) -> None:
        self.end = End(target, self._say, self._go)
        self._open_now: list[asyncio.Transport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_now.append(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self.end.take(data)

    def _say(self, data: bytes) -> None:
        for transport in self._open_now:
            transport.write(data)

    def _go(self) -> None:
        for transport in self._open_now:
            transport.close()


@asynccontextmanager
async def tcp_end(scheme: str = "tcp:") -> AsyncIterator[End]:
    """Yield a listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connections = _Connections(f"{scheme}127.0.0.1:{listening.getsockname()[1]}")
        server = await asyncio.get_running_loop().create_server(lambda: connections, sock=listening)
        try:
            yield connections.end
        finally:
            connections.end.go()
            server.close()
            await server.wait_closed()


def socket_end() -> AbstractAsyncContextManager[End]:
    """Yield a listening socket that pyserial speaks to, by a thread."""
    return tcp_end("serial:socket://")


@asynccontextmanager
async def ble_end() -> AsyncIterator[End]:
    """Yield a peripheral on a virtual air."""
    with TemporaryDirectory() as folder:
        async with open_air(Path(folder)) as air, asyncio.TaskGroup() as tasks:
            peripheral = await air.peripheral(payload(manufacturer_data()))
            end = End(
                f"ble:{LOCK_ID:08X}?hci={air.hci}",
                lambda data: tasks.create_task(peripheral.say(data)),
                lambda: tasks.create_task(peripheral.go()),
            )
            end.ack_timeout = 0.5
            peripheral.heard = end.take
            yield end
            await peripheral.stop()


ENDS: dict[str, Callable[[], AbstractAsyncContextManager[End]]] = {
    "memory": memory_end,
    "pty": pty_end,
    "tcp": tcp_end,
    "socket by a thread": socket_end,
    "ble": ble_end,
}


def hurry(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Take the waiting out of pyserial's sockets, and return the threads that would have waited for their end."""
    waited: list[threading.Thread] = []
    time = SimpleNamespace(sleep=lambda _: waited.append(threading.current_thread()))
    monkeypatch.setattr("serial.urlhandler.protocol_socket.time", time)
    monkeypatch.setattr("bridge.links.serial._POLL_SECONDS", 0.01)
    return waited


def threads() -> list[threading.Thread]:
    """Return the threads that are alive, without those of asyncio's pool, which stay for the next use."""
    return [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/dev/fd"))
