"""A line as slow as a serial cable: what goes in comes out when its last bit would have arrived, and not before."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

BAUD = 115_200
BYTES_A_SECOND = BAUD / 10
"""Start bit, eight bits, stop bit."""
_PIECE = 64
"""Bytes that are handed over together: few enough wake-ups for many lines."""

Read = Callable[[], Awaitable[bytes]]
Write = Callable[[bytes], object]


class Meter:
    """Counts what has travelled, in both directions together."""

    def __init__(self) -> None:
        self.carried = 0

    @property
    def seconds(self) -> float:
        """What the bytes have needed, one after another."""
        return self.carried / BYTES_A_SECOND


async def carry(read: Read, write: Write, meter: Meter) -> None:
    """Carry bytes one way until the end of what is read."""
    loop = asyncio.get_running_loop()
    free = 0.0
    with suppress(OSError):
        while data := await read():
            free = max(free, loop.time())  # once a reading: a sleep that lasts too long delays no later byte
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                free += len(piece) / BYTES_A_SECOND
                await asyncio.sleep(free - loop.time())
                write(piece)
                meter.carried += len(piece)


@asynccontextmanager
async def slow_pty(port: int, meter: Meter) -> AsyncIterator[str]:
    """Yield the path of a pseudo-terminal that leads slowly to what listens at the TCP `port`."""
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    tty.setraw(slave)
    incoming = asyncio.StreamReader()
    pipe, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(incoming), os.fdopen(os.dup(master), "rb", 0)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ways = (
        asyncio.create_task(carry(lambda: incoming.read(4096), writer.write, meter)),
        asyncio.create_task(carry(lambda: reader.read(4096), lambda piece: os.write(master, piece), meter)),
    )
    try:
        yield os.ttyname(slave)
    finally:
        for way in ways:
            way.cancel()
        writer.close()
        pipe.close()
        os.close(slave)
        os.close(master)


@asynccontextmanager
async def slow_tcp(port: int, meter: Meter) -> AsyncIterator[int]:
    """Yield a TCP port that leads slowly to what listens at `port`."""

    ways: set[asyncio.Task[None]] = set()

    async def way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await carry(lambda: reader.read(4096), writer.write, meter)
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        ways.update(map(asyncio.create_task, (way(reader, far_writer), way(far_reader, writer))))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in ways:
            each.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
