"""The bytes of the store's log, read and written; reading proves what it returns, and says what else is damage.

In words of four bytes, little-endian:

    sector   magic, version, generation, ~generation, crc; then records
    record   kind, count u16; count times key u16, length u16; crc; values; END
    value    the bytes, padded to words; seal

A record's crc is seeded by the generation and covers what stands before it; a value's seal is the CRC of its bytes,
seeded by that crc. A removal is a length of 0xFFFF.

Programs go upwards, so a last record without its END is an append that lost power: unless all of it is there, it never
happened. Where an END stands, whatever fails its check is damage: it is reported, and all that is intact is kept.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from .errors import StoreDamaged, StoreTooNew
from .flash import WORD

_MAGIC = b"LWST"
_VERSION = 1
_HEADER = struct.Struct("<4sIII")
_HEAD = struct.Struct("<2sH")
_ENTRY = struct.Struct("<HH")
_CRC = struct.Struct("<I")
CHANGES, COMPLETE = b"CH", b"OK"
END = b"END."
_REMOVED = 0xFFFF
_ERASED = b"\xff"
_LOG_START = _HEADER.size + _CRC.size
HEADER_WORDS = _LOG_START // WORD
_BARE_RECORD = _HEAD.size + _CRC.size + len(END)
NO_SECTOR = -1
"""The sector before the first: nothing was ever formatted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What a mount found broken: values that fail their seal, and bytes that should be records and are not."""

    lost_values: int = 0
    unreadable_bytes: int = 0

    @property
    def sentence(self) -> str:
        """The finding for people, empty when nothing was broken."""
        if self == Damage():
            return ""
        found = f"lost values: {self.lost_values}, unreadable bytes: {self.unreadable_bytes}"
        return f"Flash was damaged ({found}); the rest was kept. Compare what is stored with what should be."


class Put(NamedTuple):
    """A value, and where in its sector it stands."""

    offset: int
    value: bytes


class _Change(NamedTuple):
    key: int
    put: Put | None = None  # None: removed, or lost
    lost: bool = False


class _Record(NamedTuple):
    kind: bytes
    start: int
    end: int
    ended: bool
    changes: list[_Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What one sector holds; only a complete one counts, and of those the newest generation."""

    generation: int
    complete: bool
    puts: dict[int, Put]
    damage: Damage


def encode(kind: bytes, changes: Mapping[int, bytes | None], generation: int) -> bytes:
    """Return one record, to its END."""
    head = _HEAD.pack(kind, len(changes)) + b"".join(
        _ENTRY.pack(key, _REMOVED if value is None else len(value)) for key, value in changes.items()
    )
    crc = crc32(head, generation)
    values = (value for value in changes.values() if value is not None)
    sealed = (value.ljust(_padded(len(value)), _ERASED) + _seal(value, crc) for value in values)
    return head + _CRC.pack(crc) + b"".join(sealed) + END


def locate(changes: Mapping[int, bytes | None], start: int) -> dict[int, Put]:
    """Return where the values of a record that starts at `start` stand."""
    puts = {}
    offset = start + _HEAD.size + len(changes) * _ENTRY.size + _CRC.size
    for key, value in changes.items():
        if value is not None:
            puts[key] = Put(offset, value)
            offset += sealed_size(len(value))
    return puts


def copy(values: Mapping[int, bytes], generation: int) -> tuple[bytes, dict[int, Put]]:
    """Build a sector up to its COMPLETE; a record for each value, so that damage takes as few as possible."""
    header = _HEADER.pack(_MAGIC, _VERSION, generation, ~generation & 0xFFFFFFFF)
    image = bytearray(header + _CRC.pack(crc32(header)))
    puts: dict[int, Put] = {}
    for key, value in values.items():
        puts.update(locate({key: value}, len(image)))
        image += encode(CHANGES, {key: value}, generation)
    return bytes(image), puts


def choose(images: Sequence[bytes]) -> tuple[int, Log]:
    """Return the sector that holds the values, and its log; NO_SECTOR where no more than a format was begun."""
    logs = {sector: log for sector, image in enumerate(images) if (log := _read_sector(image))}
    complete = [sector for sector in logs if logs[sector].complete]
    if complete:
        newest = max(complete, key=lambda sector: logs[sector].generation)
        return newest, logs[newest]
    if _is_pristine(images):
        return NO_SECTOR, Log(generation=0, complete=False, puts={}, damage=Damage())
    damaged = [sector for sector in logs if logs[sector].damage.unreadable_bytes]
    if len(damaged) == 1:  # its COMPLETE is what cannot be read: a copy cut short has no damage
        return damaged[0], logs[damaged[0]]
    raise StoreDamaged(
        "Flash holds data, but no readable sector: it is damaged or not a lock's. Nothing was changed; "
        "restore a copy of it, or start with erased flash."
    )


def _is_pristine(images: Sequence[bytes]) -> bool:
    """Whether nothing but a part of the first format was ever programmed."""
    first = copy({}, 1)[0] + encode(COMPLETE, {}, 1)
    begun = zip(images[0], first, strict=False)
    rest = (images[0][len(first) :], *images[1:])
    return all(have & want == want for have, want in begun) and all(map(is_erased, rest))


def has_header(image: bytes) -> bool:
    """Return whether a sector would be read: its header is whole, whatever version it tells."""
    magic, _, generation, inverse = _HEADER.unpack_from(image)
    (crc,) = _CRC.unpack_from(image, _HEADER.size)
    return bool(magic == _MAGIC and generation ^ inverse == 0xFFFFFFFF and crc == crc32(image[: _HEADER.size]))


def _read_sector(image: bytes) -> Log | None:
    if not has_header(image):
        return None
    _, version, generation, _ = _HEADER.unpack_from(image)
    if version > _VERSION:
        raise StoreTooNew("Flash was written by a later version: use that one, or start with erased flash.")
    return _read_log(image, generation)


def _read_log(image: bytes, generation: int) -> Log:
    puts: dict[int, Put] = {}
    lost: set[int] = set()
    complete, unreadable = False, 0
    at, programmed = _LOG_START, _padded(len(image.rstrip(_ERASED)))
    while record := _find_record(image, at, programmed, generation):
        unreadable += record.start - at
        at = record.end
        if at >= programmed and not record.ended and any(change.lost for change in record.changes):
            break  # lost power before its last word: never happened
        complete = complete or record.kind == COMPLETE
        for change in record.changes:
            puts.pop(change.key, None)
            lost.discard(change.key)
            if change.put:
                puts[change.key] = change.put
            elif change.lost:
                lost.add(change.key)
    if END in image[at:programmed]:
        unreadable += programmed - at
    damage = Damage(lost_values=len(lost), unreadable_bytes=unreadable)
    return Log(generation=generation, complete=complete, puts=puts, damage=damage)


def _find_record(image: bytes, start: int, stop: int, generation: int) -> _Record | None:
    """Return the first record at or after `start`; damage in between is stepped over, its CRC proves a record."""
    starts = range(start, stop, WORD)
    return next((record for at in starts if (record := _read_record(image, at, generation))), None)


def _read_record(image: bytes, start: int, generation: int) -> _Record | None:
    kind, count = _HEAD.unpack_from(image, start)
    table = start + _HEAD.size
    stop = table + count * _ENTRY.size
    if kind not in {CHANGES, COMPLETE} or stop + _CRC.size > len(image):
        return None
    (crc,) = _CRC.unpack_from(image, stop)
    if crc != crc32(image[start:stop], generation):
        return None
    changes, offset = [], stop + _CRC.size
    for key, length in _ENTRY.iter_unpack(image[table:stop]):
        if length == _REMOVED:
            changes.append(_Change(key))
        else:
            changes.append(_read_value(image, offset, key, length, crc))
            offset += sealed_size(length)
    end = offset + len(END)
    return _Record(kind, start, end, image[offset:end] == END, changes)


def _read_value(image: bytes, offset: int, key: int, length: int, crc: int) -> _Change:
    value, seal = image[offset : offset + length], offset + _padded(length)
    if image[seal : seal + _CRC.size] == _seal(value, crc):
        return _Change(key, put=Put(offset, value))
    return _Change(key, lost=True)


def compacted_size(values: Collection[bytes]) -> int:
    """Return the bytes that a sector needs for these values and nothing else."""
    each = _BARE_RECORD + _ENTRY.size
    return _LOG_START + sum(each + sealed_size(len(value)) for value in values) + _BARE_RECORD


def _seal(value: bytes, crc: int) -> bytes:
    return _CRC.pack(crc32(value, crc))


def sealed_size(length: int) -> int:
    """Return the bytes that a value of this length takes with its seal."""
    return _padded(length) + _CRC.size


def _padded(length: int) -> int:
    return -(-length // WORD) * WORD


def is_erased(data: bytes) -> bool:
    """Return whether every bit is 1."""
    return not data.strip(_ERASED)
