"""Records on flash, a log over rotating sectors; the one rule: a commit is one record, whole or not there at all.

*Compaction* erases the next sector (one that looks erased may hold torn words), copies the values, programs COMPLETE
and erases all other sectors. They stay blank while it takes commits, so a complete sector found beside an unreadable
one is never out of date. Every mount compacts: a lock knows no clean shutdown, and a word torn in its last moment may
read as erased. A boot costs two erases, in turn around the sectors: three of 10,000 cycles last for 15,000 boots.

*Bad flash.* Whatever is written is read back. A commit that fails moves all values to the next sector that takes
them; where none does, flash is read as a mount would read it, and that decides whether the commit has happened. A
sector that can no longer be erased loses its header, so that it never comes back. Only flash that takes neither erase
nor program keeps it; the newer generation is believed then, and only its own damage would bring the old one back.

*Scrubbing.* A commit ends by programming to zero what it replaced, and the seal with it, for the CRC of a short
secret gives the secret away. So damage can lose values but never bring back what was replaced or removed. A scrub
that lost power is not resumed (words take no third program): the next mount erases the sector.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from .errors import FlashWorn, StoreFull
from .flash import WORD, Flash
from .record_log import (
    CHANGES,
    COMPLETE,
    END,
    HEADER_WORDS,
    NO_SECTOR,
    Damage,
    Put,
    choose,
    compacted_size,
    copy,
    encode,
    has_header,
    is_erased,
    locate,
    sealed_size,
)

MAX_KEY = 0xFFFF
MAX_VALUE = 256
"""Bytes in a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The pages that a store owns: at least three sectors of equal size, one after another."""

    first_page: int
    sectors: int
    pages_per_sector: int

    def __post_init__(self) -> None:
        if self.first_page < 0 or self.sectors < 3 or self.pages_per_sector < 1:
            raise ValueError("a store needs at least three sectors of at least one page")

    @property
    def count(self) -> int:
        """How many pages there are."""
        return self.sectors * self.pages_per_sector

    def pages(self, sector: int) -> range:
        """Return the pages of one sector, counted from 0."""
        first = self.first_page + sector * self.pages_per_sector
        return range(first, first + self.pages_per_sector)


class Store:
    """Values of up to MAX_VALUE bytes under keys 0…MAX_KEY, served from RAM and changed by commits.

    Made by `mount`; `damage` is what that found. The values may fill a sector, but the fuller it is, the more often a
    commit compacts.
    """

    __slots__ = ("_end", "_flash", "_generation", "_newest", "_puts", "_region", "_sector", "_size", "_worn", "damage")

    def __init__(self, flash: Flash, region: Region) -> None:
        self._flash = flash
        self._region = region
        self._size = region.pages_per_sector * flash.geometry.page_size
        self._worn: frozenset[int] = frozenset()  # pages that once did not keep what was written
        self._newest = 0  # the highest generation that any sector was ever given
        self.damage = self._read()

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
            if store._sector == NO_SECTOR:
                raise
        return store

    @property
    def sentence(self) -> str:
        """What is wrong with flash, for people; empty when nothing is known to be."""
        if not self._worn:
            return self.damage.sentence
        pages = f"pages of flash did not keep what was written: {len(self._worn)} of {self._region.count}"
        return f"{self.damage.sentence} Since the start, {pages}. Replace the lock if that goes on.".strip()

    def get(self, key: int) -> bytes | None:
        """Return the value under `key`, None if there is none."""
        put = self._puts.get(key)
        return put.value if put else None

    def items(self) -> list[tuple[int, bytes]]:
        """Return each key with its value, in the order of keys."""
        return sorted((key, put.value) for key, put in self._puts.items())

    def commit(self, changes: Mapping[int, bytes | None]) -> None:
        """Put each value and remove where it is None, all in one record; durable upon return.

        Raises ValueError for a key or value out of bounds, StoreFull where a sector cannot hold the result, FlashWorn
        where flash takes it nowhere any more; each with nothing changed.
        """
        _check_bounds(changes)
        after = {key: value for key, value in {**dict(self.items()), **changes}.items() if value is not None}
        if compacted_size(after.values()) > self._size:
            raise StoreFull("The store is full: remove something first.")
        record = encode(CHANGES, changes, self._generation)
        if self._end + len(record) > self._size:
            self._move(after)
        elif changes:
            try:
                self._append(record, changes)
            except FlashWorn:
                self._move(after)

    def _move(self, values: dict[int, bytes]) -> None:
        """Compact with `values` for the new state; where no sector takes them, flash decides whether they hold."""
        try:
            self._compact(values)
        except FlashWorn:
            self._read()
            if dict(self.items()) != values:
                raise

    def _read(self) -> Damage:
        """Serve what flash holds; no more records go into the sector that holds it."""
        images = [self._flash.read(self._address(sector), self._size) for sector in range(self._region.sectors)]
        self._sector, log = choose(images)
        self._generation = log.generation
        self._newest = max(self._newest, log.generation)
        self._puts = log.puts
        self._end = self._size
        return log.damage

    def _append(self, record: bytes, changes: Mapping[int, bytes | None]) -> None:
        start, self._end = self._end, self._size  # closed, whatever fails from here to the last line
        base = self._address(self._sector)
        self._program(base + start, record[:-WORD])
        self._program(base + start + len(record) - WORD, END)
        replaced = [self._puts.pop(key) for key in changes if key in self._puts]
        self._puts.update(locate(changes, start))
        for put in replaced:
            self._program(base + put.offset, bytes(sealed_size(len(put.value))))
        self._end = start + len(record)

    def _compact(self, values: Mapping[int, bytes]) -> None:
        """Copy `values` into the next sector that takes them; raise FlashWorn where none does."""
        self._end = self._size  # closed, whatever fails from here to the last line
        steps = range(1, self._region.sectors + (self._sector == NO_SECTOR))
        others = [(self._sector + step) % self._region.sectors for step in steps]
        for sector in others[:-1]:
            with suppress(FlashWorn):
                self._copy_to(sector, values)
                return
        self._copy_to(others[-1], values)

    def _copy_to(self, sector: int, values: Mapping[int, bytes]) -> None:
        self._newest += 1
        image, puts = copy(values, self._newest)
        complete = encode(COMPLETE, {}, self._newest)
        base, pages = self._address(sector), self._region.pages(sector)
        for page in pages:
            self._erase(page)
        self._program(base, image)
        self._program(base + len(image), complete)
        left, outdated = self._sector, self._puts
        self._sector, self._generation, self._puts = sector, self._newest, puts
        for other in range(self._region.sectors):
            if other != sector and not self._blank(other):
                self._bury(other, outdated if other == left else {})
        self._end = len(image) + len(complete)

    def _blank(self, sector: int) -> bool:
        """Erase what is of no use any more; return whether all of it took that."""
        for page in self._region.pages(sector):
            with suppress(FlashWorn):
                if not self._is_blank(page):
                    self._erase(page)
        return all(map(self._is_blank, self._region.pages(sector)))

    def _bury(self, sector: int, outdated: Mapping[int, Put]) -> None:
        """Take the header of a sector that no longer erases, lest it come back, and the values that it had last.

        Each of these words has taken one program. One that loses power in its second takes no third, so the next
        boot, whose generation is another, takes another word of the header.
        """
        base = self._address(sector)
        if has_header(self._flash.read(base, self._size)):
            self._flash.program(base + self._generation % HEADER_WORDS * WORD, bytes(WORD))
        for put in outdated.values():
            self._flash.program(base + put.offset, bytes(sealed_size(len(put.value))))

    def _program(self, address: int, data: bytes) -> None:
        self._flash.program(address, data)
        if self._flash.read(address, len(data)) != data:
            raise self._failed(address)

    def _erase(self, page: int) -> None:
        self._flash.erase(page)
        if not self._is_blank(page):
            raise self._failed(page * self._flash.geometry.page_size)

    def _failed(self, address: int) -> FlashWorn:
        self._worn |= {address // self._flash.geometry.page_size}
        return FlashWorn(f"Flash at {address:#x} no longer keeps what is written: it is worn out. Reading still works.")

    def _is_blank(self, page: int) -> bool:
        size = self._flash.geometry.page_size
        return is_erased(self._flash.read(page * size, size))

    def _address(self, sector: int) -> int:
        return self._region.pages(sector).start * self._flash.geometry.page_size


def _check_bounds(changes: Mapping[int, bytes | None]) -> None:
    for key, value in changes.items():
        if not 0 <= key <= MAX_KEY or (value is not None and len(value) > MAX_VALUE):
            raise ValueError(f"key {key:#x} or its value is out of the store's bounds")
