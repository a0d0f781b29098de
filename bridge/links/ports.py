"""Where targets lead, and the serial ports of this machine as pyserial lists them; listing opens none of them."""

import os
from dataclasses import dataclass

from serial.tools import list_ports

from .opening import parse_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A serial port of this machine; `number` is the USB serial number of its adapter, None where it has none."""

    port: str
    number: str | None


def serial_adapters() -> tuple[Adapter, ...]:
    """Return the serial ports that this machine has, in the order of their names."""
    return tuple(Adapter(port=port.device, number=port.serial_number) for port in sorted(list_ports.comports()))


def serial_targets() -> tuple[str, ...]:
    """Return a target for each serial port that this machine has."""
    return tuple(f"serial:{adapter.port}" for adapter in serial_adapters())


def place(target: str) -> tuple[str, str]:
    """Return where a target leads, the same for all its spellings; raise UsageError where it is none."""
    taken = parse_target(target)
    return taken.transport, os.path.realpath(taken.place) if taken.transport == "serial" else taken.place


def advertised_lock(target: str) -> int | None:
    """Return the id of the lock that a target names by itself, None where anything may be; raise UsageError."""
    bluetooth = parse_target(target).bluetooth
    return bluetooth.lock_id if bluetooth else None
