"""A serial port on the network, as lab engines export theirs: pyserial's own RFC 2217 server before a pty."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import serial
from serial.rfc2217 import PortManager

_CHUNK = 4096
_LOOK = 0.05
"""Seconds between two looks whether the server is to end."""


class _Pty(serial.Serial):
    """A pty as a serial port: it has no lines for a modem."""

    cts = dsr = ri = cd = property(lambda _: False)

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass


class _Sender:
    """What the port manager writes its answers to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, data: bytes) -> None:
        """Send to the client."""
        self._connection.sendall(data)


@contextmanager
def exported(port: str) -> Iterator[str]:
    """Serve a port to one client after another; yield the target of it."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_LOOK)
        serving = threading.Thread(target=_serve, args=(server, port, ended))
        serving.start()
        try:
            yield f"serial:rfc2217://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            serving.join()


def _serve(server: socket.socket, port: str, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            connection, _ = server.accept()
            with connection, _Pty(port, timeout=_LOOK) as device:
                _carry(connection, device, ended)


def _carry(connection: socket.socket, device: serial.Serial, ended: threading.Event) -> None:
    manager = PortManager(device, _Sender(connection))  # type: ignore[arg-type]  # it is made for this, whatever its types say
    gone = threading.Event()

    def to_client() -> None:
        while not (gone.is_set() or ended.is_set()):
            if data := device.read(max(1, device.in_waiting)):
                with suppress(OSError):
                    connection.sendall(b"".join(manager.escape(data)))

    reading = threading.Thread(target=to_client)
    reading.start()
    connection.settimeout(_LOOK)
    while not ended.is_set():
        try:
            data = connection.recv(_CHUNK)
        except TimeoutError:
            continue
        except OSError:
            break
        if not data:
            break
        device.write(b"".join(manager.filter(data)))
    gone.set()
    reading.join()
