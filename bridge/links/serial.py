"""A link over a serial port: pyserial opens and configures it, its file descriptor is driven by the event loop.

Ports without a descriptor of their own (Windows, rfc2217://, socket://) are read by one thread each.
"""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import serial

from ..errors import LinkLost, Obstacle, Unreachable
from .base import Inbox

DEFAULT_BAUD = 115200
_BITS_A_BYTE = 10  # 8N1: a start bit, eight data bits, a stop bit
_CHUNK = 4096
_POLL_SECONDS = 0.2
WRITE_SECONDS = 2.0

_CAUSES = {
    errno.ENOENT: ("there is no such port", "Is the cable plugged in? `ls /dev/tty*` shows the ports."),
    errno.EACCES: ("permission denied", "Add yourself to the port's group (`sudo usermod -aG dialout $USER`)."),
    errno.EPERM: ("permission denied", "Add yourself to the port's group (`sudo usermod -aG dialout $USER`)."),
    errno.EAGAIN: ("another program uses it", "Close that program; `fuser PORT` names it."),
    errno.EBUSY: ("another program uses it", "Close that program; `fuser PORT` names it."),
    errno.ENXIO: ("the device is gone", "Is the cable plugged in?"),
    errno.EIO: ("the device does not answer", "Unplug it, plug it in again, and try once more."),
}
_OBSTACLES = {
    errno.ENOENT: Obstacle.MISSING,
    errno.ENXIO: Obstacle.MISSING,
    errno.EACCES: Obstacle.FORBIDDEN,
    errno.EPERM: Obstacle.FORBIDDEN,
    errno.EAGAIN: Obstacle.BUSY,
    errno.EBUSY: Obstacle.BUSY,
}


class SerialLink:
    """One open port; the subclasses differ in how bytes come in."""

    ack_timeout = 0.3

    def __init__(self, port: serial.Serial, name: str) -> None:
        self.bytes_per_second = port.baudrate / _BITS_A_BYTE
        self._port = port
        self._inbox = Inbox()
        self._sentence = f"The serial port {name} was lost. Is the cable still plugged in? Try again."

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._inbox.lost

    async def read(self) -> bytes:
        """Return the next bytes."""
        return await self._inbox.get(self._sentence)


class DescriptorLink(SerialLink):
    """A port with a file descriptor, read and written without blocking."""

    def __init__(self, port: serial.Serial, name: str) -> None:
        super().__init__(port, name)
        self._fd: int | None = port.fileno()
        os.set_blocking(self._fd, False)
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    async def write(self, data: bytes) -> None:
        """Write all bytes, waiting for room at most two seconds."""
        left = memoryview(data)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                while left:
                    left = left[self._write_some(left) :]
                    if left:
                        await self._writable()
        except (OSError, TimeoutError):
            raise LinkLost(self._sentence) from None

    async def close(self) -> None:
        """Stop reading and give the port back."""
        fd, self._fd = self._fd, None
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)
            with suppress(OSError):
                self._port.close()
            self._inbox.lose()

    def _write_some(self, data: memoryview) -> int:
        if self._fd is None:
            raise OSError(errno.EBADF, "closed")
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    async def _writable(self) -> None:
        loop, ready, fd = asyncio.get_running_loop(), asyncio.Event(), self._fd
        if fd is None:
            return
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)

    def _readable(self) -> None:
        if self._fd is None:
            return
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._inbox.put(data)
        else:  # unplugged: the descriptor stays readable, and would spin
            asyncio.get_running_loop().remove_reader(self._fd)
            self._inbox.lose()


class ThreadLink(SerialLink):
    """A port without a file descriptor of its own, read by a thread."""

    def __init__(self, port: serial.Serial, name: str) -> None:
        super().__init__(port, name)
        self._open = True
        with suppress(NotImplementedError):  # rfc2217 has a limit of its own
            port.write_timeout = WRITE_SECONDS
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._pump, args=(loop.call_soon_threadsafe,), daemon=True)
        self._thread.start()

    async def write(self, data: bytes) -> None:
        """Write all bytes, waiting for room at most two seconds."""
        if not self._open:
            raise LinkLost(self._sentence)
        try:
            await asyncio.to_thread(self._port.write, data)
        except OSError:  # SerialException is one
            raise LinkLost(self._sentence) from None

    async def close(self) -> None:
        """Stop the thread and give the port back."""
        if self._open:
            self._open = False
            self._inbox.lose()
            await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._thread.join()
        with suppress(OSError):
            self._port.close()  # pyserial takes its time over sockets

    def _pump(self, into_loop: Callable[..., object]) -> None:
        with suppress(RuntimeError):  # the loop was closed before the link
            try:
                while self._open:
                    if data := self._port.read(max(1, self._port.in_waiting)):
                        into_loop(self._inbox.put, data)
            except (OSError, TypeError, AttributeError):
                pass  # pyserial's ways to say that the port went away
            into_loop(self._inbox.lose)


async def open_serial(place: str, baud: int = DEFAULT_BAUD) -> DescriptorLink | ThreadLink:
    """Open the port `place`, a path or a URL of pyserial's; raise Unreachable."""
    try:
        port = await asyncio.to_thread(_open_port, place, baud)
    except Exception as error:  # among pyserial's are OSError, ValueError and termios.error, which is neither
        number = getattr(error, "errno", None) or 0
        obstacle = _OBSTACLES.get(number, Obstacle.OTHER)
        raise Unreachable(_sentence(place, number), obstacle=obstacle) from None
    return DescriptorLink(port, place) if os.name == "posix" and not _is_url(place) else ThreadLink(port, place)


def _open_port(place: str, baud: int) -> serial.Serial:
    port = serial.serial_for_url(place, do_not_open=True, baudrate=baud, timeout=_POLL_SECONDS)
    if not _is_url(place):
        port.exclusive = True
    port.open()
    return port


def _is_url(place: str) -> bool:
    """Whether pyserial alone knows how to speak on this port: it may say more there than our bytes."""
    return "://" in place


def _sentence(place: str, number: int) -> str:
    cause, advice = _CAUSES.get(number, ("it cannot be used as a serial port", "Check the path and the options."))
    return f"Cannot open the serial port {place}: {cause}. {advice.replace('PORT', place)}"
