"""COBS stream ↔ frames (SPEC 3). Damage is a value, so one bad frame never kills the stream, and memory is bounded."""

import sys
from dataclasses import dataclass
from enum import StrEnum

import crcmod

from .codec import build, parse
from .errors import MalformedError, MisuseError
from .header import HEADER, Header, Kind
from .version import CRC_SIZE, HEADER_SIZE, HELLO_VERSION, LARGEST_MAX_FRAME, MAX_VERSION

__all__ = [
    "CRC_COMPILED",
    "DELIMITER",
    "HEADER",
    "Damage",
    "Frame",
    "FrameDecoder",
    "Header",
    "Kind",
    "check_frame",
    "cobs_decode",
    "cobs_encode",
    "crc16",
    "encode_frame",
    "encoded_bound",
    "pack_header",
]

DELIMITER = b"\x00"
_LONGEST_RUN = 254

crc16 = crcmod.mkCrcFun(0x11021, initCrc=0xFFFF, rev=False, xorOut=0)
"""CRC-16/IBM-3740: check value 0x29B1 over the ASCII bytes 123456789 (SPEC 3.2)."""
CRC_COMPILED = "crcmod._crcfunext" in sys.modules
"""Whether it is crcmod's C extension that computes it; without a C compiler, pip installs crcmod without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame: header fields and body; a hello has version 0, every other kind the version that was chosen."""

    version: int
    kind: Kind
    counter: int
    body: bytes

    def header(self) -> bytes:
        """Return the 8 header bytes, which are also the associated data of a sealed body."""
        return pack_header(self.version, self.kind, self.counter, len(self.body))

    def signed(self) -> bytes:
        """Return header and body, the bytes under the CRC and the ones that a handshake's prologue takes."""
        return self.header() + self.body


class Damage(StrEnum):
    """What was wrong with a piece of the stream."""

    COBS = "not COBS"
    SHORT = "too short"
    LONG = "too long"
    CRC = "wrong CRC"
    LENGTH = "length differs from the header's"
    HEADER = "unknown kind"
    VERSION = "unknown version"


def pack_header(version: int, kind: Kind, counter: int, length: int) -> bytes:
    """Return the 8 bytes of a header; raise MisuseError for values that do not fit."""
    return build(HEADER, Header(version=version, kind=kind, counter=counter, length=length))


def cobs_encode(data: bytes) -> bytes:
    """Return `data` without zero bytes (Cheshire and Baker 1999, without the delimiter)."""
    coded = bytearray()
    for run in data.split(DELIMITER):
        rest = run
        while len(rest) >= _LONGEST_RUN:
            coded.append(_LONGEST_RUN + 1)
            coded += rest[:_LONGEST_RUN]
            rest = rest[_LONGEST_RUN:]
        coded.append(len(rest) + 1)
        coded += rest
    return bytes(coded)


def cobs_decode(coded: bytes) -> bytes | None:
    """Return the data, or None where `coded` (without delimiters) is not COBS."""
    data = bytearray()
    at, end = 0, len(coded)
    while at < end:
        code = coded[at]
        run_end = at + code
        if code == 0 or run_end > end:
            return None
        data += coded[at + 1 : run_end]
        if code <= _LONGEST_RUN and run_end < end:
            data.append(0)
        at = run_end
    return bytes(data)


def encoded_bound(max_frame: int) -> int:
    """Return the most bytes that a frame of `max_frame` bytes takes on the stream, without its delimiters."""
    return max_frame + max_frame // _LONGEST_RUN + 1


def encode_frame(frame: Frame, *, max_frame: int = LARGEST_MAX_FRAME) -> bytes:
    """Return the bytes of `frame` on the stream, a zero byte at both ends; raise MisuseError above `max_frame`."""
    signed = frame.signed()
    if len(signed) + CRC_SIZE > max_frame:
        raise MisuseError(f"a frame of {len(signed) + CRC_SIZE} bytes, where {max_frame} are allowed")
    return DELIMITER + cobs_encode(signed + crc16(signed).to_bytes(CRC_SIZE, "big")) + DELIMITER


def check_frame(data: bytes, *, max_frame: int = LARGEST_MAX_FRAME) -> Frame | Damage:
    """Return the frame that the decoded bytes `data` hold, or what is wrong with them."""
    if len(data) > max_frame:
        return Damage.LONG
    if len(data) < HEADER_SIZE + CRC_SIZE:
        return Damage.SHORT
    if crc16(data) != 0:  # the residue over data and its CRC
        return Damage.CRC
    try:
        header: Header = parse(HEADER, data[:HEADER_SIZE])
    except MalformedError:
        return Damage.HEADER
    if header.length != len(data) - HEADER_SIZE - CRC_SIZE:
        return Damage.LENGTH
    if not HELLO_VERSION <= header.version <= MAX_VERSION:
        return Damage.VERSION
    body = data[HEADER_SIZE:-CRC_SIZE]
    return Frame(version=header.version, kind=header.kind, counter=header.counter, body=body)


class FrameDecoder:
    """Cuts a stream at zero bytes. Holds at most one encoded frame: what is longer is dropped to the next zero."""

    def __init__(self, max_frame: int = LARGEST_MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._bound = encoded_bound(max_frame)
        self.reset()

    def reset(self) -> None:
        """Forget what came so far: a link was opened anew."""
        self._piece = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[Frame | Damage]:
        """Take the next bytes of the stream and return each frame and each damage that they complete, in order."""
        *ended, rest = data.split(DELIMITER)
        found: list[Frame | Damage] = []
        for tail in ended:
            self._append(tail)
            piece, overlong = bytes(self._piece), self._overlong
            self.reset()
            if overlong:
                found.append(Damage.LONG)
            elif piece:
                found.append(self._judge(piece))
        self._append(rest)
        return found

    def _append(self, tail: bytes) -> None:
        if self._overlong or len(self._piece) + len(tail) > self._bound:
            self._overlong = True
            self._piece.clear()
        else:
            self._piece += tail

    def _judge(self, piece: bytes) -> Frame | Damage:
        data = cobs_decode(piece)
        return Damage.COBS if data is None else check_frame(data, max_frame=self._max_frame)
