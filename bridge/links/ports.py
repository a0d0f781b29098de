"""Where targets lead, and the serial ports of this machine as pyserial lists them; listing opens none of them."""

import os

from serial.tools import list_ports

from .opening import parse_target


def serial_targets() -> tuple[str, ...]:
    """Return a target for each serial port that this machine has."""
    return tuple(f"serial:{port.device}" for port in sorted(list_ports.comports()))


def place(target: str) -> tuple[str, str]:
    """Return where a target leads, the same for all its spellings; raise UsageError where it is none."""
    taken = parse_target(target)
    return taken.transport, os.path.realpath(taken.place) if taken.transport == "serial" else taken.place


def advertised_lock(target: str) -> int | None:
    """Return the id of the lock that a target names by itself, None where anything may be; raise UsageError."""
    bluetooth = parse_target(target).bluetooth
    return bluetooth.lock_id if bluetooth else None
