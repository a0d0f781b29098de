"""The lock on a pseudo-terminal, under a stable path; clients come and go, the wire stays."""

import asyncio
import fcntl
import os
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import PortError
from ..simulator import Simulator

_PTYS = ("/dev/pts/", "/dev/ttys")
"""Where Linux and macOS keep ptys."""

_CHUNK = 4096
_QUEUE = 65536
"""Bytes kept for a client that does not read; what comes on top is lost, as on a wire."""


class _PtyWire:
    """The master side; neither reads nor writes block the loop."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._queue = bytearray()

    def send(self, data: bytes) -> None:
        if len(self._queue) + len(data) <= _QUEUE:
            self._queue += data
            self._flush()

    def hang_up(self) -> None:
        """Do nothing: a wire has no end."""

    def read(self) -> bytes:
        """Return what has come; nothing where the client has taken it back in the meantime."""
        with suppress(BlockingIOError):
            return os.read(self._master, _CHUNK)
        return b""

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(BlockingIOError):
            while self._queue:
                del self._queue[: os.write(self._master, self._queue)]
        if self._queue:
            loop.add_writer(self._master, self._flush)
        else:
            loop.remove_writer(self._master)


@contextmanager
def serve_pty(simulator: Simulator, path: Path) -> Iterator[None]:
    """Offer the lock at `path`, a symbolic link to a pty; raise PortError where `path` is something else."""
    _require_replaceable(path)
    with _claimed(path):
        yield from _serve(simulator, path)


def _serve(simulator: Simulator, path: Path) -> Iterator[None]:
    master, slave = os.openpty()
    try:
        tty.setraw(slave)  # a cooked pty echoes, and swallows control bytes
        os.set_blocking(master, False)
        _publish(os.ttyname(slave), path)
        loop = asyncio.get_running_loop()
        wire = _PtyWire(master)
        number = simulator.attach(wire, connection=False)
        loop.add_reader(master, lambda: simulator.receive(number, wire.read()))
        try:
            yield
        finally:
            loop.remove_reader(master)
            loop.remove_writer(master)
            simulator.detach(number)
            _unpublish(os.ttyname(slave), path)
    finally:
        os.close(master)
        os.close(slave)  # held open until now: without a client, reading the master fails with EIO for ever


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Hold `path` against other simulators by a lock file beside it; the pty's own lock belongs to its client."""
    beside = path.with_name(f".{path.name}.sim")
    try:
        file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _impossible(path, error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink == 0:  # its holder has just removed it
            raise BlockingIOError
    except BlockingIOError:
        os.close(file)
        raise PortError(f"Another simulated lock is at {path}. Stop it, or choose another path for --serial.") from None
    try:
        yield
    finally:
        with suppress(OSError):
            beside.unlink()
        os.close(file)


def _require_replaceable(path: Path) -> None:
    if path.is_symlink():
        if not str(path.readlink()).startswith(_PTYS):
            raise PortError(f"{path} leads to no pseudo-terminal. Choose another path for --serial.")
    elif path.exists():
        raise PortError(f"{path} exists and is no symbolic link. Choose another path for --serial.")


def _publish(name: str, path: Path) -> None:
    """Point `path` at the pty in one step, for the numbers of ptys are used again."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.symlink_to(name)
        new.replace(path)
    except OSError as error:
        raise _impossible(path, error) from None


def _impossible(path: Path, error: OSError) -> PortError:
    return PortError(f"Cannot make the link {path}: {error.strerror}. Does its folder exist?")


def _unpublish(name: str, path: Path) -> None:
    with suppress(OSError):
        if str(path.readlink()) == name:
            path.unlink()
