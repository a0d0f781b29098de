"""Records and frames without any transport, against the fastest Python that reads and writes the same bytes by hand."""

import struct

from protocol.codec import decode_request, encode_request
from protocol.framing import DELIMITER, Frame, FrameDecoder, Kind, cobs_decode, cobs_encode, crc16, encode_frame
from protocol.messages.pins import PIN_CREATE, PinCreateRequest
from protocol.version import MAX_VERSION, TAG_SIZE

from .measuring import BenchmarkFailed, Race, plain
from .samples import REQUEST

_BATCH = 20
_START = struct.Struct(">BIB")
_SCHEDULE = struct.Struct(">BIIB")
_WINDOW = struct.Struct(">BHH")
_HEADER = struct.Struct(">BBIH")
_CRC = struct.Struct(">H")

BODY = encode_request(REQUEST)
FRAME = Frame(version=MAX_VERSION, kind=Kind.TRANSPORT, counter=1, body=BODY + bytes(range(TAG_SIZE)))
STREAM = encode_frame(FRAME)

Fields = tuple[object, ...]


def races() -> list[Race]:
    """Return the four rows, having seen both sides agree."""
    agreed = (write_record(REQUEST), read_record(BODY), write_frame(FRAME), read_frame(STREAM))
    if agreed != (BODY, _fields(REQUEST), STREAM, (FRAME.version, FRAME.kind, FRAME.counter, FRAME.body)):
        raise BenchmarkFailed("what is written by hand is not what the protocol says")
    decoder = FrameDecoder()
    bare = "struct by hand, without checks, to and from tuples"
    framed = "struct by hand, without checks, the same CRC and COBS"
    return [
        Race(
            name="encode a pin record",
            against=bare,
            ours=plain(lambda: encode_request(REQUEST), batch=_BATCH),
            limit=plain(lambda: write_record(REQUEST), batch=_BATCH),
        ),
        Race(
            name="decode a pin record",
            against=bare,
            ours=plain(lambda: decode_request(BODY), batch=_BATCH),
            limit=plain(lambda: read_record(BODY), batch=_BATCH),
        ),
        Race(
            name="encode a whole frame",
            against=framed,
            ours=plain(lambda: encode_frame(FRAME), batch=_BATCH),
            limit=plain(lambda: write_frame(FRAME), batch=_BATCH),
        ),
        Race(
            name="decode a whole frame",
            against=framed,
            ours=plain(lambda: decoder.feed(STREAM), batch=_BATCH),
            limit=plain(lambda: read_frame(STREAM), batch=_BATCH),
        ),
    ]


def write_record(request: PinCreateRequest) -> bytes:
    """Return the body of a pin create (SPEC 7.6)."""
    entry, schedule = request.entry, request.entry.schedule
    digits, alias = entry.digits.encode(), entry.alias.encode()
    return b"".join(
        (
            _START.pack(PIN_CREATE.opcode, request.operation, len(digits)),
            digits,
            bytes((len(alias),)),
            alias,
            _SCHEDULE.pack(entry.enabled, schedule.valid_from, schedule.valid_until, len(schedule.windows)),
            *[_WINDOW.pack(window.weekdays, window.start, window.end) for window in schedule.windows],
        )
    )


def read_record(body: bytes) -> Fields:
    """Return the fields of a pin create one after another, windows last; the bytes are trusted."""
    opcode, operation, length = _START.unpack_from(body)
    digits_end = _START.size + length
    alias_end = digits_end + 1 + body[digits_end]
    enabled, valid_from, valid_until, _ = _SCHEDULE.unpack_from(body, alias_end)
    digits = body[_START.size : digits_end].decode()
    alias = body[digits_end + 1 : alias_end].decode()
    windows = tuple(_WINDOW.iter_unpack(body[alias_end + _SCHEDULE.size :]))
    return opcode, operation, digits, alias, enabled, valid_from, valid_until, windows


def write_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame on the stream (SPEC 3)."""
    signed = _HEADER.pack(frame.version, frame.kind, frame.counter, len(frame.body)) + frame.body
    return DELIMITER + cobs_encode(signed + _CRC.pack(crc16(signed))) + DELIMITER


def read_frame(stream: bytes) -> Fields:
    """Return version, kind, counter and body of the one frame that `stream` is; the bytes are trusted."""
    data = cobs_decode(stream[1:-1])
    if data is None or crc16(data) != 0:
        raise BenchmarkFailed("a frame was damaged in memory")
    version, kind, counter, _ = _HEADER.unpack_from(data)
    return version, kind, counter, data[_HEADER.size : -_CRC.size]


def _fields(request: PinCreateRequest) -> Fields:
    entry, schedule = request.entry, request.entry.schedule
    windows = tuple((window.weekdays, window.start, window.end) for window in schedule.windows)
    times = schedule.valid_from, schedule.valid_until, windows
    return PIN_CREATE.opcode, request.operation, entry.digits, entry.alias, entry.enabled, *times
