"""The application on a socket, inside the caller's event loop; when to stop is the caller's decision alone."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.errors import UsageError

from .envelope import answer
from .middleware import CORRELATION_HEADER, new_correlation_id

GRACE_SECONDS = 10  # above the 8 s that a change may take: whoever waits for an answer gets it


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: asyncio.run turns Ctrl-C into the cancellation that ends `running`."""
        yield


class _Protocol(H11Protocol):
    def send_400_response(self, msg: str) -> None:
        """Answer in the envelope what is no HTTP; where an answer has begun, only end the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = {CORRELATION_HEADER: new_correlation_id(), "Connection": "close"}
            told = answer(400, messages=[msg], headers=headers)
            head = h11.Response(status_code=400, headers=told.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(told.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


@contextlib.asynccontextmanager
async def running(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the context is open; yields the port, which the system chooses where `port` is 0.

    Requests under way are finished at the end, for GRACE_SECONDS at most. Raises UsageError where the address
    cannot be listened on.
    """
    with await listen(host, port) as listener:
        server = _Server(_config(app))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at `host:port`, 0 for any port; raise UsageError."""
    if not 0 <= port <= 65_535:  # getaddrinfo would take it modulo 65536
        raise UsageError(f"There is no port {port}: choose a --port from 1 to 65535.")
    try:
        loop = asyncio.get_running_loop()
        family, *_, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        listener = socket.create_server(address, family=family, backlog=128)
        # Python's create_server leaves the protocol open, and asyncio turns off Nagle's delay for TCP alone: an
        # answer's head and body, two writes, would wait 40 ms for the client's delayed acknowledgement.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=listener.detach())
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]  # create_server repeats the address
        raise UsageError(f"Cannot listen on {host} port {port}: {why}. Choose another --host or --port.") from error
