"""Records on flash, a log over rotating sectors; the one rule: a commit is one record, whole or not there at all.

In words of four bytes, little-endian:

    sector   magic, version, generation, ~generation, crc; then records
    record   kind, count u16; count times key u16, length u16; crc; values; END
    value    the bytes, padded to words; seal

A record's crc is seeded by the generation and covers what stands before it; a value's seal is the CRC of its bytes,
seeded by that crc. A removal is a length of 0xFFFF.

*Power loss.* Programs go upwards, so a last record without its END is an append that lost power: unless all of it is
there, it never happened. Where an END stands, whatever fails its check is damage: it is reported, and all that is
intact is kept.

*Compaction* erases the next sector (one that looks erased may hold torn words), copies the values, programs COMPLETE
and erases all other sectors. They stay blank while it takes commits, so a complete sector found beside an unreadable
one is never out of date. Every mount compacts: a lock knows no clean shutdown, and a word torn in its last moment may
read as erased. A boot costs two erases, in turn around the sectors: three of 10,000 cycles last for 15,000 boots.

*Scrubbing.* A commit ends by programming to zero what it replaced, and the seal with it, for the CRC of a short
secret gives the secret away. So damage can lose values but never bring back what was replaced or removed. A scrub
that lost power is not resumed (words take no third program): the next mount erases the sector.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self
from zlib import crc32

from .errors import FlashWorn, StoreDamaged, StoreFull, StoreTooNew
from .flash import WORD, Flash

MAX_KEY = 0xFFFF
MAX_VALUE = 256
"""Bytes in a value."""

_MAGIC = b"LWST"
_VERSION = 1
_HEADER = struct.Struct("<4sIII")
_HEAD = struct.Struct("<2sH")
_ENTRY = struct.Struct("<HH")
_CRC = struct.Struct("<I")
_CHANGES, _COMPLETE = b"CH", b"OK"
_END = b"END."
_REMOVED = 0xFFFF
_ERASED = b"\xff"
_LOG_START = _HEADER.size + _CRC.size
_BARE_RECORD = _HEAD.size + _CRC.size + len(_END)
_NONE = -1  # the sector before the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The pages that a store owns: at least three sectors of equal size, one after another."""

    first_page: int
    sectors: int
    pages_per_sector: int

    def __post_init__(self) -> None:
        if self.first_page < 0 or self.sectors < 3 or self.pages_per_sector < 1:
            raise ValueError("a store needs at least three sectors of at least one page")

    def pages(self, sector: int) -> range:
        """Return the pages of one sector, counted from 0."""
        first = self.first_page + sector * self.pages_per_sector
        return range(first, first + self.pages_per_sector)


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


class Store:
    """Values of up to MAX_VALUE bytes under keys 0…MAX_KEY, served from RAM and changed by commits.

    Made by `mount`; `damage` is what that found. The values may fill a sector, but the fuller it is, the more often a
    commit compacts.
    """

    def __init__(self, flash: Flash, region: Region) -> None:
        self._flash = flash
        self._region = region
        self._size = region.pages_per_sector * flash.geometry.page_size
        images = [flash.read(self._address(sector), self._size) for sector in range(region.sectors)]
        self._sector, log = _choose(images)
        self._generation = log.generation
        self._puts = log.puts
        self._end = self._size  # a sector of an earlier boot takes no more records
        self.damage = log.damage

    @classmethod
    def mount(cls, flash: Flash, region: Region) -> Self:
        """Read the values and move them to a fresh sector; format a region that never held any.

        Raises StoreDamaged or StoreTooNew with nothing changed, and FlashWorn where formatting fails. Flash that wore
        out later serves what it holds.
        """
        store = cls(flash, region)
        try:
            store._compact(dict(store.items()))
        except FlashWorn:
            if store._sector == _NONE:
                raise
        return store

    def get(self, key: int) -> bytes | None:
        """Return the value under `key`, None if there is none."""
        put = self._puts.get(key)
        return put.value if put else None

    def items(self) -> list[tuple[int, bytes]]:
        """Return each key with its value, in the order of keys."""
        return sorted((key, put.value) for key, put in self._puts.items())

    def commit(self, changes: Mapping[int, bytes | None]) -> None:
        """Put each value and remove where it is None, all in one record; durable upon return.

        Raises ValueError for a key or value out of bounds and StoreFull where a sector cannot hold the result, both
        with nothing changed. After FlashWorn all or nothing has changed; the next commit or mount settles which.
        """
        _check_bounds(changes)
        after = {key: value for key, value in {**dict(self.items()), **changes}.items() if value is not None}
        if _compacted_size(after.values()) > self._size:
            raise StoreFull("The store is full: remove something first.")
        record = _encode(_CHANGES, changes, self._generation)
        if self._end + len(record) > self._size:
            self._compact(after)
        elif changes:
            self._append(record, changes)

    def _append(self, record: bytes, changes: Mapping[int, bytes | None]) -> None:
        start, self._end = self._end, self._size  # closed, whatever fails from here to the last line
        base = self._address(self._sector)
        self._program(base + start, record[:-WORD])
        self._program(base + start + len(record) - WORD, _END)
        replaced = [self._puts.pop(key) for key in changes if key in self._puts]
        self._puts.update(_locate(changes, start))
        for put in replaced:
            self._program(base + put.offset, bytes(_sealed_size(len(put.value))))
        self._end = start + len(record)

    def _compact(self, values: Mapping[int, bytes]) -> None:
        self._end = self._size  # closed, whatever fails from here to the last line
        sector, generation = (self._sector + 1) % self._region.sectors, self._generation + 1
        copy, puts = _copy(values, generation)
        complete = _encode(_COMPLETE, {}, generation)
        base, pages = self._address(sector), self._region.pages(sector)
        for page in pages:
            self._erase(page)
        self._program(base, copy)
        self._program(base + len(copy), complete)
        self._sector, self._generation, self._puts = sector, generation, puts
        self._blank_all_but(pages)
        self._end = len(copy) + len(complete)

    def _blank_all_but(self, kept: range) -> None:
        for sector in range(self._region.sectors):
            for page in self._region.pages(sector):
                if page not in kept and not self._is_blank(page):
                    self._erase(page)

    def _program(self, address: int, data: bytes) -> None:
        self._flash.program(address, data)
        if self._flash.read(address, len(data)) != data:
            raise _worn(address)

    def _erase(self, page: int) -> None:
        self._flash.erase(page)
        if not self._is_blank(page):
            raise _worn(page * self._flash.geometry.page_size)

    def _is_blank(self, page: int) -> bool:
        size = self._flash.geometry.page_size
        return _is_erased(self._flash.read(page * size, size))

    def _address(self, sector: int) -> int:
        return self._region.pages(sector).start * self._flash.geometry.page_size


class _Put(NamedTuple):
    offset: int  # of the value in its sector
    value: bytes


class _Change(NamedTuple):
    key: int
    put: _Put | None = None  # None: removed, or lost
    lost: bool = False


class _Record(NamedTuple):
    kind: bytes
    start: int
    end: int
    ended: bool
    changes: list[_Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    generation: int
    complete: bool
    puts: dict[int, _Put]
    damage: Damage


def _encode(kind: bytes, changes: Mapping[int, bytes | None], generation: int) -> bytes:
    head = _HEAD.pack(kind, len(changes)) + b"".join(
        _ENTRY.pack(key, _REMOVED if value is None else len(value)) for key, value in changes.items()
    )
    crc = crc32(head, generation)
    values = (value for value in changes.values() if value is not None)
    sealed = (value.ljust(_padded(len(value)), _ERASED) + _seal(value, crc) for value in values)
    return head + _CRC.pack(crc) + b"".join(sealed) + _END


def _locate(changes: Mapping[int, bytes | None], start: int) -> dict[int, _Put]:
    """Where the values of a record that starts at `start` stand."""
    puts = {}
    offset = start + _HEAD.size + len(changes) * _ENTRY.size + _CRC.size
    for key, value in changes.items():
        if value is not None:
            puts[key] = _Put(offset, value)
            offset += _sealed_size(len(value))
    return puts


def _copy(values: Mapping[int, bytes], generation: int) -> tuple[bytes, dict[int, _Put]]:
    """Build a sector up to its COMPLETE; a record for each value, so that damage takes as few as possible."""
    header = _HEADER.pack(_MAGIC, _VERSION, generation, ~generation & 0xFFFFFFFF)
    image = bytearray(header + _CRC.pack(crc32(header)))
    puts: dict[int, _Put] = {}
    for key, value in values.items():
        puts.update(_locate({key: value}, len(image)))
        image += _encode(_CHANGES, {key: value}, generation)
    return bytes(image), puts


def _choose(images: Sequence[bytes]) -> tuple[int, _Log]:
    """Return the sector that holds the values, and its log; _NONE where no more than a format was begun."""
    logs = {sector: log for sector, image in enumerate(images) if (log := _read_sector(image))}
    complete = [sector for sector in logs if logs[sector].complete]
    if complete:
        newest = max(complete, key=lambda sector: logs[sector].generation)
        return newest, logs[newest]
    if _is_pristine(images):
        return _NONE, _Log(generation=0, complete=False, puts={}, damage=Damage())
    damaged = [sector for sector in logs if logs[sector].damage.unreadable_bytes]
    if len(damaged) == 1:  # its COMPLETE is what cannot be read: a copy cut short has no damage
        return damaged[0], logs[damaged[0]]
    raise StoreDamaged(
        "Flash holds data, but no readable sector: it is damaged or not a lock's. Nothing was changed; "
        "restore a copy of it, or start with erased flash."
    )


def _is_pristine(images: Sequence[bytes]) -> bool:
    """Whether nothing but a part of the first format was ever programmed."""
    first = _copy({}, 1)[0] + _encode(_COMPLETE, {}, 1)
    begun = zip(images[0], first, strict=False)
    rest = (images[0][len(first) :], *images[1:])
    return all(have & want == want for have, want in begun) and all(map(_is_erased, rest))


def _read_sector(image: bytes) -> _Log | None:
    magic, version, generation, inverse = _HEADER.unpack_from(image)
    (crc,) = _CRC.unpack_from(image, _HEADER.size)
    if magic != _MAGIC or generation ^ inverse != 0xFFFFFFFF or crc != crc32(image[: _HEADER.size]):
        return None
    if version > _VERSION:
        raise StoreTooNew("Flash was written by a later version: use that one, or start with erased flash.")
    return _read_log(image, generation)


def _read_log(image: bytes, generation: int) -> _Log:
    puts: dict[int, _Put] = {}
    lost: set[int] = set()
    complete, unreadable = False, 0
    at, programmed = _LOG_START, _padded(len(image.rstrip(_ERASED)))
    while record := _find_record(image, at, programmed, generation):
        unreadable += record.start - at
        at = record.end
        if at >= programmed and not record.ended and any(change.lost for change in record.changes):
            break  # lost power before its last word: never happened
        complete = complete or record.kind == _COMPLETE
        for change in record.changes:
            puts.pop(change.key, None)
            lost.discard(change.key)
            if change.put:
                puts[change.key] = change.put
            elif change.lost:
                lost.add(change.key)
    if _END in image[at:programmed]:
        unreadable += programmed - at
    damage = Damage(lost_values=len(lost), unreadable_bytes=unreadable)
    return _Log(generation=generation, complete=complete, puts=puts, damage=damage)


def _find_record(image: bytes, start: int, stop: int, generation: int) -> _Record | None:
    """Return the first record at or after `start`; damage in between is stepped over, its CRC proves a record."""
    starts = range(start, stop, WORD)
    return next((record for at in starts if (record := _read_record(image, at, generation))), None)


def _read_record(image: bytes, start: int, generation: int) -> _Record | None:
    kind, count = _HEAD.unpack_from(image, start)
    table = start + _HEAD.size
    stop = table + count * _ENTRY.size
    if kind not in {_CHANGES, _COMPLETE} or stop + _CRC.size > len(image):
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
            offset += _sealed_size(length)
    end = offset + len(_END)
    return _Record(kind, start, end, image[offset:end] == _END, changes)


def _read_value(image: bytes, offset: int, key: int, length: int, crc: int) -> _Change:
    value, seal = image[offset : offset + length], offset + _padded(length)
    if image[seal : seal + _CRC.size] == _seal(value, crc):
        return _Change(key, put=_Put(offset, value))
    return _Change(key, lost=True)


def _check_bounds(changes: Mapping[int, bytes | None]) -> None:
    for key, value in changes.items():
        if not 0 <= key <= MAX_KEY or (value is not None and len(value) > MAX_VALUE):
            raise ValueError(f"key {key:#x} or its value is out of the store's bounds")


def _compacted_size(values: Collection[bytes]) -> int:
    each = _BARE_RECORD + _ENTRY.size
    return _LOG_START + sum(each + _sealed_size(len(value)) for value in values) + _BARE_RECORD


def _seal(value: bytes, crc: int) -> bytes:
    return _CRC.pack(crc32(value, crc))


def _sealed_size(length: int) -> int:
    return _padded(length) + _CRC.size


def _padded(length: int) -> int:
    return -(-length // WORD) * WORD


def _is_erased(data: bytes) -> bool:
    return not data.strip(_ERASED)


def _worn(address: int) -> FlashWorn:
    return FlashWorn(f"Flash at {address:#x} no longer keeps what is written: it is worn out. Reading still works.")
