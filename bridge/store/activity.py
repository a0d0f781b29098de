"""The activity of locks in the registry's database; its records and the cursor behind them are one transaction."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from protocol.vocabulary import AuditEvent, AuditRecord, Cause, ClockState

from ..activity import KEPT, ActivityEntry, Item, Reading, proposed_date
from ..audit import Gap, Replaced
from ..errors import NotRegistered
from ..finishing import finishing
from .schema import ActivityRow, LockRow, ReadingRow

_STEP = timedelta(milliseconds=1)
"""What is between the dates of two entries of one second: clients in the field read no more than milliseconds."""


class SqlActivity:
    """A bridge.activity.Activity over sessions that commit at their end and raise DamagedState where they fail."""

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        self._session = session

    @finishing
    async def reading(self, lock_id: int) -> Reading:
        """Do as Activity says."""
        async with self._session() as session:
            row = await session.get(ReadingRow, lock_id)
        return Reading(life=row.life, cursor=row.cursor, ended=row.ended) if row else Reading()

    @finishing
    async def append(self, lock_id: int, before: Reading, after: Reading, items: Sequence[Item], now: datetime) -> bool:
        """Do as Activity says."""
        try:
            async with self._session() as session:
                if not await _move(session, lock_id, before, after):
                    return False
                await _add(session, lock_id, after.life, items, now)
        except IntegrityError:  # the lock is gone, or another process has stored its first reading just now
            await self._require(lock_id)
            return False
        return True

    @finishing
    async def entries(self, lock_id: int, count: int, before: datetime | None) -> tuple[ActivityEntry, ...]:
        """Do as Activity says."""
        wanted = select(ActivityRow).where(ActivityRow.lock_id == lock_id)
        if before is not None:
            wanted = wanted.where(ActivityRow.date < before)
        async with self._session() as session:
            rows = await session.scalars(wanted.order_by(ActivityRow.date.desc(), ActivityRow.id.desc()).limit(count))
            return tuple(_entry(row) for row in rows)

    async def _require(self, lock_id: int) -> None:
        async with self._session() as session:
            if await session.get(LockRow, lock_id) is None:
                raise NotRegistered(
                    f"There is no lock {lock_id} any more. `latchwire lock list` shows those there are."
                )


async def _move(session: AsyncSession, lock_id: int, before: Reading, after: Reading) -> bool:
    """Move the reading from `before` to `after`, and so keep all others from moving it until the commit."""
    values = {"life": after.life, "cursor": after.cursor, "ended": after.ended}
    where = (ReadingRow.lock_id == lock_id, ReadingRow.life == before.life, ReadingRow.cursor == before.cursor)
    if await session.scalar(update(ReadingRow).where(*where).values(values).returning(ReadingRow.lock_id)):
        return True
    if (before.life, before.cursor) != (1, 0):
        return False
    await session.execute(insert(ReadingRow).values(lock_id=lock_id, **values))
    return True


async def _add(session: AsyncSession, lock_id: int, life: int, items: Sequence[Item], now: datetime) -> None:
    newest = select(ActivityRow.date).where(ActivityRow.lock_id == lock_id).order_by(ActivityRow.id.desc()).limit(1)
    latest = await session.scalar(newest)
    for index, item in enumerate(items):
        proposed = proposed_date(items, index, latest, now.replace(microsecond=0))
        latest = await _free_date(session, lock_id, proposed)
        await session.execute(insert(ActivityRow).values(lock_id=lock_id, life=life, date=latest, **_columns(item)))
    if items:
        await _prune(session, lock_id)


async def _prune(session: AsyncSession, lock_id: int) -> None:
    """Remove what is older than the entries that are kept; by date, for the oldest page is where clients stop."""
    dates = select(ActivityRow.date).where(ActivityRow.lock_id == lock_id).order_by(ActivityRow.date.desc())
    oldest = dates.offset(KEPT - 1).limit(1).scalar_subquery()  # null where there are fewer, and nothing is older
    too_old = delete(ActivityRow).where(ActivityRow.lock_id == lock_id, ActivityRow.date < oldest)
    await session.execute(too_old, execution_options={"synchronize_session": False})


async def _free_date(session: AsyncSession, lock_id: int, proposed: datetime) -> datetime:
    """Return `proposed`, or a date behind all others of that second: clients turn pages by dates."""
    end = proposed.replace(microsecond=0) + timedelta(seconds=1)
    same = (ActivityRow.lock_id == lock_id, ActivityRow.date >= proposed, ActivityRow.date < end)
    taken = await session.scalar(select(func.max(ActivityRow.date)).where(*same))
    return proposed if taken is None else taken + _STEP


def _columns(item: Item) -> dict[str, object]:
    if isinstance(item, AuditRecord):
        return {
            "first": item.sequence,
            "last": item.sequence,
            "time": item.time,
            "clock": item.clock,
            "event": item.event,
            "cause": item.cause,
            "detail": item.detail,
            "pin_id": item.pin_id,
            "peer_id": item.peer_id,
        }
    first, last = (item.first, item.last) if isinstance(item, Gap) else (0, 0)
    unused = dict.fromkeys(("time", "clock", "cause", "detail", "pin_id", "peer_id"), 0)
    return {"first": first, "last": last, "event": None, **unused}


def _entry(row: ActivityRow) -> ActivityEntry:
    return ActivityEntry(id=row.id, lock_id=row.lock_id, date=row.date, item=_item(row))


def _item(row: ActivityRow) -> Item:
    if row.event is None:
        return Gap(first=row.first, last=row.last) if row.first else Replaced()
    return AuditRecord(
        sequence=row.first,
        time=row.time,
        clock=ClockState(row.clock),
        event=AuditEvent(row.event),
        cause=Cause(row.cause),
        detail=row.detail,
        pin_id=row.pin_id,
        peer_id=row.peer_id,
    )
