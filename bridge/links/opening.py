"""One string opens a link: serial:/dev/ttyUSB0?baud=115200, tcp:127.0.0.1:7000, ble:A0B0C0D0, memory:NAME."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ..errors import Obstacle, Unreachable, UsageError
from .base import Link, MemoryHub
from .memory import open_memory
from .radio import Bluetooth, Radio
from .serial import DEFAULT_BAUD, open_serial
from .tcp import open_tcp

if TYPE_CHECKING:
    from .ble_hearing import Heard

_EXAMPLES = "Try serial:/dev/ttyUSB0, serial:/dev/ttyUSB0?baud=9600, tcp:192.0.2.1:7000 or ble:A0B0C0D0."
_LARGEST_PORT = 65535
_FASTEST_BAUD = 12_000_000  # what the quickest USB adapters do


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target taken apart: the transport, where the lock is, and the options behind a question mark."""

    transport: str
    place: str
    baud: int = DEFAULT_BAUD
    bluetooth: Bluetooth | None = None


def parse_target(text: str) -> Target:
    """Take a target apart; raise UsageError with an example."""
    transport, colon, rest = text.partition(":")
    if not colon or transport not in ("serial", "tcp", "ble", "memory") or not rest:
        raise UsageError(f"{text!r} is no target. {_EXAMPLES}")
    if transport == "tcp":
        _host_and_port(rest)
    if transport in ("tcp", "memory"):
        return Target(transport=transport, place=rest)
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    try:
        return _bluetooth(place, options) if transport == "ble" else _serial(place, options)
    except ValueError as error:
        raise UsageError(f"{text!r} is no target: {error}. {_EXAMPLES}") from None


async def open_link(text: str, hub: MemoryHub | None = None) -> Link:
    """Open the link that `text` names; raise UsageError for no target, Unreachable where nothing is there."""
    target = parse_target(text)
    if target.transport == "serial":
        return await open_serial(target.place, target.baud)
    if target.transport == "tcp":
        return await open_tcp(*_host_and_port(target.place))
    if target.bluetooth is not None:
        with _needing_bleak():
            from .ble import open_ble  # noqa: PLC0415  an extra
        return await open_ble(target.bluetooth)
    return open_memory(target.place, hub)


async def hear(radio: Radio, seconds: float) -> tuple["Heard", ...]:
    """Return what locks advertise meanwhile, as ble_hearing.hear does; raise Unreachable."""
    with _needing_bleak():
        from .ble_hearing import hear  # noqa: PLC0415  an extra
    return await hear(radio, seconds)


def _serial(place: str, options: dict[str, str]) -> Target:
    baud = _number(options.pop("baud", str(DEFAULT_BAUD)), _FASTEST_BAUD)
    if options or not place or not baud:
        raise ValueError("a serial target takes the option baud alone")
    return Target(transport="serial", place=place, baud=baud)


def _bluetooth(place: str, options: dict[str, str]) -> Target:
    bluetooth = Bluetooth.parse(place, options)
    return Target(transport="ble", place=f"{bluetooth.lock_id:08X}", bluetooth=bluetooth)


@contextmanager
def _needing_bleak() -> Iterator[None]:
    try:
        yield
    except ImportError:
        sentence = "Bluetooth needs another package. Run `pip install 'latchwire[ble]'`, and try again."
        raise Unreachable(sentence, obstacle=Obstacle.MISSING) from None


def _host_and_port(place: str) -> tuple[str, int]:
    host, _, digits = place.rpartition(":")
    host, port = host.strip("[]"), _number(digits, _LARGEST_PORT)
    if not host or not port:
        raise UsageError(f"{f'tcp:{place}'!r} is no target: a host and a port are needed. {_EXAMPLES}")
    return host, port


def _number(text: str, largest: int) -> int:
    """Return the number from 1 to `largest` that `text` spells, 0 where it spells none."""
    if not text.isdecimal() or len(text) > len(str(largest)):  # int() refuses thousands of digits by an error
        return 0
    return int(text) if int(text) <= largest else 0
