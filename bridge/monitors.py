"""Live traces: whoever watches a lock puts a socket into the state folder, and whoever talks to the lock writes there.

The folder is the owner's alone (mode 0700), so who may watch may read the pins too; a monitor that wants digits says so
in its socket's name. A datagram that nobody has room for is lost, for watching must not slow a lock down.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path

from .errors import UsageError
from .store.folder import StateFolder
from .tracing import TraceEvent, as_json

_WITH_PINS = ".pins"
_LARGEST = 65_536


class Monitors:
    """The sink that writes to all who watch a lock at the moment."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder.monitors
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def write(self, event: Callable[[bool], TraceEvent]) -> None:
        """Send one datagram to each; a socket that nobody reads any more is removed."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        for name in names:
            told = event(name.endswith(_WITH_PINS))
            if name.startswith(f"{told.lock}-"):
                self._send(self._folder / name, as_json(told))

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _send(self, place: Path, data: bytes) -> None:
        try:
            self._socket.sendto(data, str(place))
        except ConnectionRefusedError:  # left behind by a monitor that was killed
            with suppress(OSError):
                place.unlink()
        except OSError:
            pass


async def watch(folder: StateFolder, wire_id: int, *, show_pins: bool) -> AsyncGenerator[bytes, None]:
    """Yield b"" once whoever talks to the lock is heard, then what each event is as JSON, until closed.

    Raises UsageError where the state folder's path is too long for a socket's.
    """
    place = folder.monitors / f"{wire_id:08X}-{os.getpid()}{_WITH_PINS if show_pins else ''}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setblocking(False)
        with suppress(FileNotFoundError):  # of a process that had this number before
            place.unlink()
        try:
            listener.bind(str(place))
        except OSError:
            raise UsageError(
                f"No socket can be made at {place}. Is the path too long? Name a shorter one in LATCHWIRE_STATE_DIR."
            ) from None
        try:
            yield b""
            while True:
                yield await asyncio.get_running_loop().sock_recv(listener, _LARGEST)
        finally:
            place.unlink(missing_ok=True)
