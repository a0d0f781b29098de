"""pcapng, as far as captures of locks need it: blocks written one by one, and read back from any file, cut or damaged.

Frames have link type USER0, direction flags, nanoseconds and comments. A packet without bytes is a note of the bench's.
The format is draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..errors import BenchFault
from ..line import Way

USER0 = 147
MAGIC = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_END, _COMMENT, _FLAGS, _RESOLUTION = 0, 1, 2, 9
_NAME, _APPLICATION = 2, 4
_NANO = 9
_SMALLEST = 12
_DIRECTIONS = {Way.FROM_LOCK: 1, Way.TO_LOCK: 2, None: 0}
_WAYS = {number: way for way, number in _DIRECTIONS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet: `at` in nanoseconds since the epoch; no way where it is not told."""

    at: int
    way: Way | None
    data: bytes
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PcapngFile:
    """What a file holds: its section's comment, its packets of link type USER0, and why it ends before its end."""

    comment: str
    packets: tuple[Packet, ...]
    cut: str | None


class Output(Protocol):
    """What blocks are written to, each in one piece: a file without a buffer."""

    def write(self, data: bytes, /) -> object:
        """Write it all."""
        ...


class PcapngWriter:
    """Writes a section with one interface. Each packet is one write, so that what a killed run leaves is whole."""

    def __init__(self, output: Output, comment: str) -> None:
        self._output = output
        section = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
        options = _option(_COMMENT, comment.encode()) + _option(_APPLICATION, b"latchwire")
        interface = struct.pack("<HHI", USER0, 0, 0)
        resolution = _option(_NAME, b"lock") + _option(_RESOLUTION, bytes([_NANO]))
        output.write(
            _block(_SECTION, section + options + _option(_END, b""))
            + _block(_INTERFACE, interface + resolution + _option(_END, b""))
        )

    def write(self, packet: Packet) -> None:
        """Write one packet; raise OSError."""
        size = len(packet.data)
        head = struct.pack("<IIIII", 0, packet.at >> 32, packet.at & 0xFFFFFFFF, size, size)
        options = _option(_FLAGS, struct.pack("<I", _DIRECTIONS[packet.way]))
        if packet.comment:
            options += _option(_COMMENT, packet.comment.encode())
        self._output.write(_block(_PACKET, head + _padded(packet.data) + options + _option(_END, b"")))


def read_pcapng(data: bytes) -> PcapngFile:
    """Return what a file holds, as far as it goes; raise BenchFault where it is no pcapng file, or damaged."""
    reader = _Reader(data)
    packets = tuple(reader.packets())
    return PcapngFile(comment=reader.comment, packets=packets, cut=reader.cut)


class _Reader:
    """Goes through the blocks of a file, of any number of sections in either byte order."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise BenchFault("The file is no pcapng capture: it does not begin as one.")
        self._data = data
        self._order = "<"
        self._units: list[int | None] = []
        """Of each interface the parts of a second in which it counts, None where its packets are not a lock's."""
        self.comment = ""
        self.cut: str | None = None

    def packets(self) -> Iterator[Packet]:
        """Yield the packets of locks."""
        at = 0
        while at < len(self._data):
            body = self._body(at)
            if body is None:
                self.cut = f"The capture is cut off in the block at byte {at}."
                return
            try:
                yield from self._packet(self._number("I", self._data[at : at + 4]), body)
            except (struct.error, LookupError, UnicodeDecodeError, OverflowError):
                raise _damaged(at) from None
            at += len(body) + _SMALLEST

    def _body(self, at: int) -> bytes | None:
        """Return what is in the block at `at`, None where the file ends in it; raise BenchFault for damage."""
        head = self._data[at : at + _SMALLEST]
        if len(head) < _SMALLEST:
            return None
        if head[:4] == MAGIC:
            self._order = _byte_order(head[8:], at)
        length = self._number("I", head[4:8])
        if length < _SMALLEST or length % 4:
            raise _damaged(at)
        block = self._data[at : at + length]
        if len(block) < length:
            return None
        if block[-4:] != head[4:8]:
            raise _damaged(at)
        return block[8:-4]

    def _packet(self, kind: int, body: bytes) -> Iterator[Packet]:
        if kind == _SECTION:
            self._units = []
            self.comment = self.comment or self._options(body[16:]).get(_COMMENT, b"").decode()
        elif kind == _INTERFACE:
            link_type = self._number("H", body[:2])
            resolution = self._options(body[8:]).get(_RESOLUTION, b"\x06")[0]
            self._units.append(_parts(resolution) if link_type == USER0 else None)
        elif kind == _PACKET:
            interface, high, low, size, _ = struct.unpack(self._order + "IIIII", body[:20])
            unit = self._units[interface]
            if unit is not None:
                yield self._frame((high << 32 | low) * 10**_NANO // unit, size, body[20:])

    def _frame(self, at: int, size: int, rest: bytes) -> Packet:
        if size > len(rest):
            raise struct.error
        options = self._options(rest[size + -size % 4 :])
        way = _WAYS.get(self._number("I", options.get(_FLAGS, bytes(4))) & 3)
        return Packet(at=at, way=way, data=rest[:size], comment=options.get(_COMMENT, b"").decode())

    def _options(self, data: bytes) -> dict[int, bytes]:
        """Return the options by their codes; of several of one code the first."""
        found: dict[int, bytes] = {}
        while len(data) >= 4:
            code, size = struct.unpack(self._order + "HH", data[:4])
            if code == _END:
                break
            if size > len(data) - 4:
                raise struct.error
            found.setdefault(code, data[4 : 4 + size])
            data = data[4 + size + -size % 4 :]
        return found

    def _number(self, form: str, data: bytes) -> int:
        return int(struct.unpack(self._order + form, data)[0])


def _byte_order(magic: bytes, at: int) -> str:
    for order in "<>":
        if struct.unpack(order + "I", magic)[0] == _BYTE_ORDER:
            return order
    raise _damaged(at)


def _parts(resolution: int) -> int:
    """Return into how many parts a resolution of an interface divides a second."""
    base: int = 2 if resolution & 0x80 else 10
    return int(base ** (resolution & 0x7F))


def _damaged(at: int) -> BenchFault:
    return BenchFault(f"The capture is damaged: the block at byte {at} is none. Take another copy.")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + _SMALLEST
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)
