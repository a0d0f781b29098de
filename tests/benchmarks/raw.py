"""The raw ping-pong: `os.read` and `os.write` between two processes, and nothing else. Run as a module, it answers."""

import os
import socket
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder in which modules are found by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line between two processes: what each end reads from and writes to, which may be one descriptor."""

    near: tuple[int, int]
    far: tuple[int, int]


def pty_line() -> Line:
    """Return a raw pseudo-terminal; the near end is the one that a client opens."""
    master, slave = os.openpty()
    tty.setraw(slave)
    return Line(near=(slave, slave), far=(master, master))


def tcp_line() -> Line:
    """Return a TCP connection over loopback that sends small pieces at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    near_end, far_end = near.detach(), far.detach()
    return Line(near=(near_end, near_end), far=(far_end, far_end))


def pipe_line() -> Line:
    """Return a pair of pipes, the nearest that two processes come to handing bytes over in memory."""
    (near_read, far_write), (far_read, near_write) = os.pipe(), os.pipe()
    return Line(near=(near_read, near_write), far=(far_read, far_write))


@contextmanager
def ping_pong(line: Line, request: int, answer: int) -> Iterator[Callable[[], None]]:
    """Yield a call that sends `request` bytes to another process and takes `answer` bytes from it."""
    words = [sys.executable, "-m", __name__, *map(str, (*line.far, request, answer))]
    process = subprocess.Popen(words, cwd=ROOT, pass_fds=set(line.far), process_group=0)
    _close(line.far)
    receive, send = line.near
    said = b"\x01" * request

    def call() -> None:
        os.write(send, said)
        _take(receive, answer)

    try:
        yield call
    finally:
        process.terminate()  # first: whoever sees the line end by itself complains
        process.wait()
        _close(line.near)


def _take(descriptor: int, size: int) -> None:
    while size > 0:
        data = os.read(descriptor, size)
        if not data:
            raise EOFError("the other end of a raw ping-pong has gone")
        size -= len(data)


def _close(ends: tuple[int, int]) -> None:
    for descriptor in set(ends):
        os.close(descriptor)


def _answer(receive: int, send: int, request: int, answer: int) -> None:
    said = b"\x01" * answer
    while True:
        _take(receive, request)
        os.write(send, said)


if __name__ == "__main__":
    _answer(*map(int, sys.argv[1:]))
