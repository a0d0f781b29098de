"""What travels over the air: whole L2CAP frames, put together from the HCI packets in which they come."""

from dataclasses import dataclass
from enum import Enum, auto

ACL_PACKET = 2
"""The H4 type of HCI packets that travel over the air."""

_HEADERS = 9
"""Bytes before a frame's payload in its first packet: H4 type, handle and flags, length, L2CAP length and channel."""
_ATT_CHANNEL = 4
_ATT_VALUES = {0x12, 0x52, 0x1B}
"""ATT opcodes whose value is a piece of the byte stream: write with and without response, notification."""


class Way(Enum):
    """A direction over the air."""

    TO_LOCK = auto()
    FROM_LOCK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One L2CAP frame; `value` is what it writes or notifies, None for whatever else it may be."""

    way: Way
    handle: int
    packets: tuple[bytes, ...]
    value: bytes | None


def handle_of(packet: bytes) -> int:
    """Return the connection handle of an ACL packet."""
    return int.from_bytes(packet[1:3], "little") & 0x0FFF


class Assembler:
    """Puts packets of one direction together, each link's for itself."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._parts: dict[int, list[bytes]] = {}

    def forget(self, handle: int) -> None:
        """Drop what has come of an unfinished frame: its link is gone."""
        self._parts.pop(handle, None)

    def take(self, packet: bytes) -> Piece | None:
        """Take one more packet; return the frame that it completes."""
        handle = handle_of(packet)
        parts = self._parts.setdefault(handle, [])
        parts.append(packet)
        if sum(len(part) - 5 for part in parts) < 4 + int.from_bytes(parts[0][5:7], "little"):
            return None
        del self._parts[handle]
        return Piece(way=self._way, handle=handle, packets=tuple(parts), value=_value(parts))


def _value(parts: list[bytes]) -> bytes | None:
    channel = int.from_bytes(parts[0][7:9], "little")
    payload = parts[0][_HEADERS:] + b"".join(part[5:] for part in parts[1:])
    return payload[3:] if channel == _ATT_CHANNEL and payload and payload[0] in _ATT_VALUES else None
