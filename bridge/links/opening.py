"""One string opens a link: serial:/dev/ttyUSB0?baud=115200, tcp:127.0.0.1:7000, memory:NAME."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from ..errors import UsageError
from .base import Link, MemoryHub
from .memory import open_memory
from .serial import DEFAULT_BAUD, open_serial
from .tcp import open_tcp

_EXAMPLES = "Try serial:/dev/ttyUSB0, serial:/dev/ttyUSB0?baud=9600 or tcp:192.0.2.1:7000."
_LARGEST_PORT = 65535
_FASTEST_BAUD = 12_000_000  # what the quickest USB adapters do


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target taken apart: the transport, where the lock is, and the options behind a question mark."""

    transport: str
    place: str
    baud: int = DEFAULT_BAUD


def parse_target(text: str) -> Target:
    """Take a target apart; raise UsageError with an example."""
    transport, colon, rest = text.partition(":")
    if not colon or transport not in ("serial", "tcp", "memory") or not rest:
        raise UsageError(f"{text!r} is no target. {_EXAMPLES}")
    if transport == "tcp":
        _host_and_port(rest)
    if transport != "serial":
        return Target(transport=transport, place=rest)
    place, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    baud = _number(options.pop("baud", str(DEFAULT_BAUD)), _FASTEST_BAUD)
    if options or not place or not baud:
        raise UsageError(f"{text!r} is no target: a serial target takes the option baud alone. {_EXAMPLES}")
    return Target(transport=transport, place=place, baud=baud)


async def open_link(text: str, hub: MemoryHub | None = None) -> Link:
    """Open the link that `text` names; raise UsageError for no target, Unreachable where nothing is there."""
    target = parse_target(text)
    if target.transport == "serial":
        return await open_serial(target.place, target.baud)
    if target.transport == "tcp":
        return await open_tcp(*_host_and_port(target.place))
    return open_memory(target.place, hub)


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
