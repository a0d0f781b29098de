"""What happened at locks, as the bridge keeps it: audit records in an order of dates, and whatever is missing as a gap.

Records and the cursor behind them are stored together, so that no crash doubles or loses any.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditRecord, ClockState

from .audit import Gap, Replaced, read_page, replaced

Item = AuditRecord | Gap | Replaced

KEPT = 10_000
"""Entries of a lock that are kept: the newest by their dates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far a lock's audit is stored: `cursor` is the last number of the flash that is the lock's `life`th.

    `ended` is when the audit was last read to its end.
    """

    life: int = 1
    cursor: int = 0
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEntry:
    """One line of what happened. No two of a lock have the same `date`, by which they are ordered."""

    id: int
    lock_id: int
    date: datetime
    item: Item


class Activity(Protocol):
    """Where entries are kept; all of it raises DamagedState where that fails, NotRegistered for an unknown lock."""

    async def reading(self, lock_id: int) -> Reading:
        """Return how far the lock's audit is stored."""

    async def append(self, lock_id: int, before: Reading, after: Reading, items: Sequence[Item], now: datetime) -> bool:
        """Store `items` and move the reading from `before` to `after`, both or neither; of all entries KEPT stay.

        False, and nothing done, where the reading is no longer `before`: another reader was faster.
        """

    async def entries(self, lock_id: int, count: int, before: datetime | None) -> tuple[ActivityEntry, ...]:
        """Return the newest `count` entries of a lock, newest first; where `before` is given, of those dated before."""


async def read_on(
    read_audit: Callable[[int], Awaitable[AuditReadResponse]],
    activity: Activity,
    lock_id: int,
    now: Callable[[], datetime],
) -> None:
    """Store what a lock's audit tells behind the cursor, page by page to its end; `read_audit` is the lock's own.

    Raises what that raises, what Activity raises, and Refused for an audit that does not go on.
    """
    complete = False
    while not complete:
        before = await activity.reading(lock_id)
        page = await read_audit(before.cursor)
        items: Sequence[Item] = (Replaced(),)
        after = replace(before, life=before.life + 1, cursor=0)
        if not replaced(before.cursor, page):
            told = read_page(before.cursor, page)
            items, complete = told.items, told.complete
            after = replace(before, cursor=told.cursor, ended=now() if complete else before.ended)
        complete = await activity.append(lock_id, before, after, items, now()) and complete


def proposed_date(items: Sequence[Item], index: int, latest: datetime | None, now: datetime) -> datetime:
    """Return the date that an item should have, in whole seconds or that of the `latest` entry before it.

    A record has its own time. Where its clock was not trusted, it is not dated in the future, and never before the
    latest entry, which it followed for sure; so does a gap.
    """
    item = items[index]
    if isinstance(item, AuditRecord):
        told = datetime.fromtimestamp(item.time, UTC)
        return told if item.clock is ClockState.TRUSTED else max(min(told, now), latest or min(told, now))
    if latest is None and index + 1 < len(items):
        return proposed_date(items, index + 1, latest, now)
    return latest or now
