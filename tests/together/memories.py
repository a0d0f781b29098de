"""States and activity that last as long as these objects: for services in virtual time, which no database knows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count

from bridge.activity import ActivityEntry, Item, Reading
from bridge.states import KnownState, Renewal


class MemoryStates:
    """A bridge.states.States."""

    def __init__(self) -> None:
        self._known: dict[int, KnownState] = {}

    async def states(self, lock_ids: Iterable[int]) -> Mapping[int, KnownState]:
        return {lock_id: self._known[lock_id] for lock_id in lock_ids if lock_id in self._known}

    async def renew(self, lock_id: int, renewal: Renewal) -> None:
        self._known[lock_id] = renewal(self._known.get(lock_id, KnownState()))


class MemoryActivity:
    """A bridge.activity.Activity that dates entries by when they were stored."""

    def __init__(self) -> None:
        self._readings: dict[int, Reading] = {}
        self._entries: list[ActivityEntry] = []
        self._ids = count(1)

    async def reading(self, lock_id: int) -> Reading:
        return self._readings.get(lock_id, Reading())

    async def append(self, lock_id: int, before: Reading, after: Reading, items: Sequence[Item], now: datetime) -> bool:
        if await self.reading(lock_id) != before:
            return False
        self._readings[lock_id] = after
        self._entries += (ActivityEntry(id=next(self._ids), lock_id=lock_id, date=now, item=item) for item in items)
        return True

    async def entries(self, lock_id: int, count: int, before: datetime | None) -> tuple[ActivityEntry, ...]:
        found = [
            entry for entry in self._entries if entry.lock_id == lock_id and (before is None or entry.date < before)
        ]
        return tuple(reversed(found[-count:]))
