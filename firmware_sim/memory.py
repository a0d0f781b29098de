"""The lock's records in RAM, as flash holds them; a change is staged, then committed in one flash record or not at all.

Reading sees committed records alone, and what follows from a change happens after its commit, so nothing acts on what
power loss could still take back.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar, cast

from protocol.codec import build, parse
from protocol.errors import MalformedError
from protocol.posix_tz import parse_tz

from .errors import FlashWorn, StoreFull
from .records import (
    FLOOR_KEY,
    LEDGER_KEY,
    SLOT_KEYS,
    ZONE_KEY,
    FlashRecord,
    Floor,
    Ledger,
    Pin,
    Zone,
    forms_of,
    layout_of,
)
from .store import Store

T = TypeVar("T")


class Memory:
    """Typed records over a store."""

    __slots__ = ("_afterwards", "_records", "_staged", "_store", "unreadable")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[int, FlashRecord] = {}
        self._staged: dict[int, FlashRecord | None] = {}
        self._afterwards: list[Callable[[], None]] = []
        self.unreadable: list[int] = []
        """Keys whose value passed the store's CRC and is still no record of this firmware."""
        for key, value in store.items():
            self._load(key, value)

    def _load(self, key: int, value: bytes) -> None:
        layout = layout_of(key)
        if layout is not None:
            for form in forms_of(key, value):
                with suppress(MalformedError):
                    self._records[key] = _judged(parse(layout, form))
                    return
        self.unreadable.append(key)

    @property
    def zone_is_lost(self) -> bool:
        """Whether there is a zone that this firmware cannot read: what the hours of pins are meant in is not known."""
        return ZONE_KEY in self.unreadable

    @property
    def sentence(self) -> str:
        """What could not be read, for people; empty when everything could."""
        if not self.unreadable:
            return ""
        return f"This firmware cannot read some of the stored records ({len(self.unreadable)}); they were left alone."

    def get(self, key: int, kind: type[T]) -> T | None:
        """Return the committed record under `key`, or None."""
        record = self._records.get(key)
        return record if isinstance(record, kind) else None

    def stage(self, key: int, record: FlashRecord | None) -> None:
        """Put `record` under `key`, or remove what is there, with the next commit."""
        self._staged[key] = record

    def stage_removal(self, keys: range) -> None:
        """Stage the removal of each record under `keys`, but for keys that are staged already."""
        for key in self._records:
            if key in keys:
                self._staged.setdefault(key, None)

    def count_staged(self, keys: range) -> int:
        """Return how many of `keys` the next commit would change."""
        return sum(1 for key in self._staged if key in keys)

    def afterwards(self, effect: Callable[[], None]) -> None:
        """Do something that is no record, such as setting the clock, once the next commit is durable."""
        self._afterwards.append(effect)

    def discard(self) -> None:
        """Forget what was staged."""
        self._staged.clear()
        self._afterwards.clear()

    def commit(self) -> None:
        """Make everything staged durable, in one flash record; raise StoreFull or FlashWorn with nothing changed."""
        staged, self._staged = self._staged, {}
        effects, self._afterwards = self._afterwards, []
        if staged:
            self._write(staged)
        for effect in effects:
            effect()

    def try_commit(self) -> bool:
        """Commit, and return whether flash has taken it; where it has not, nothing has changed."""
        try:
            self.commit()
        except (StoreFull, FlashWorn):
            return False
        return True

    def _write(self, staged: dict[int, FlashRecord | None]) -> None:
        self._store.commit({key: _encode(key, record) for key, record in staged.items()})
        for key, record in staged.items():
            if record is None:
                self._records.pop(key, None)
            else:
                self._records[key] = record
            if key in self.unreadable:
                self.unreadable.remove(key)

    @property
    def ledger(self) -> Ledger:
        """List version and last id."""
        return self.get(LEDGER_KEY, Ledger) or Ledger()

    @property
    def zone(self) -> Zone:
        """The lock's zone."""
        return self.get(ZONE_KEY, Zone) or Zone()

    @property
    def floor(self) -> int:
        """The last time that the lock knew to be good, 0 where there was none."""
        return (self.get(FLOOR_KEY, Floor) or Floor()).time

    def slots(self) -> Iterator[tuple[int, Pin]]:
        """Yield each slot in use: its key and its pin, in the order of slots."""
        for key in sorted(key for key in self._records if key in SLOT_KEYS):
            yield key, cast("Pin", self._records[key])  # a slot's layout reads nothing else

    def stage_change(self, last_id: int | None = None) -> Ledger:
        """Stage a moved list version, and `last_id` where a pin was created; return the new ledger."""
        old = self.ledger
        version = old.list_version % 0xFFFFFFFF + 1
        ledger = Ledger(list_version=version, last_id=old.last_id if last_id is None else last_id)
        self.stage(LEDGER_KEY, ledger)
        return ledger


def _encode(key: int, record: FlashRecord | None) -> bytes | None:
    layout = layout_of(key)
    return None if record is None or layout is None else build(layout, record)


def _judged(record: FlashRecord) -> FlashRecord:
    """Raise MalformedError for a zone whose rule a later firmware may understand, and this one does not."""
    if isinstance(record, Zone):
        parse_tz(record.rule)
    return record
