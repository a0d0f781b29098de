"""The journal of changes in the registry's database; a commit returns once the row would survive a loss of power."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..finishing import finishing
from ..journal import KEPT, UNRESOLVED, Caller, ChangeRecord, ChangeState
from .database import Database
from .schema import ChangeRow


class SqlJournal:
    """A bridge.journal.Journal in a database, of use as long as that is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @finishing
    async def begin(self, record: ChangeRecord) -> ChangeRecord:
        """Do as Journal says."""

        async def added(connection: AsyncConnection) -> int:
            old = ChangeRow.begun < record.begun - KEPT, ChangeRow.state.not_in(UNRESOLVED)
            await connection.execute(delete(ChangeRow).where(*old))
            new = insert(ChangeRow).values(_columns(record)).returning(ChangeRow.number)
            return int((await connection.execute(new)).scalar_one())

        return replace(record, number=await self._database.do(added))

    @finishing
    async def save(self, record: ChangeRecord) -> None:
        """Do as Journal says."""
        change = update(ChangeRow).where(ChangeRow.number == record.number).values(_columns(record))
        await self._database.do(lambda connection: connection.execute(change))

    async def unresolved(self, wire_id: int) -> tuple[ChangeRecord, ...]:
        """Do as Journal says."""
        return await self._found(ChangeRow.wire_id == wire_id, ChangeRow.state.in_(UNRESOLVED))

    @finishing
    async def unresolved_locks(self) -> frozenset[int]:
        """Do as Journal says."""
        wanted = select(ChangeRow.wire_id).where(ChangeRow.state.in_(UNRESOLVED))
        return frozenset(await self._database.do(lambda connection: connection.scalars(wanted)))

    async def latest(self, wire_id: int, caller: Caller, request_mark: bytes) -> ChangeRecord | None:
        """Do as Journal says."""
        alike = (
            ChangeRow.wire_id == wire_id,
            ChangeRow.token_id == caller.token_id,
            ChangeRow.request_mark == request_mark,
        )
        return await self._first(select(ChangeRow).where(*alike).order_by(ChangeRow.number.desc()))

    async def keyed(self, wire_id: int, caller: Caller, since: datetime) -> ChangeRecord | None:
        """Do as Journal says."""
        alike = ChangeRow.token_id == caller.token_id, ChangeRow.key == caller.key
        known = or_(ChangeRow.begun >= since, ChangeRow.state.in_(UNRESOLVED))
        here_first = case((ChangeRow.wire_id == wire_id, 0), else_=1), ChangeRow.number.desc()
        return await self._first(select(ChangeRow).where(*alike, known).order_by(*here_first))

    async def later(self, record: ChangeRecord) -> tuple[ChangeRecord, ...]:
        """Do as Journal says."""
        return await self._found(ChangeRow.wire_id == record.wire_id, ChangeRow.number > record.number)

    @finishing
    async def _first(self, wanted: Select[ChangeRow]) -> ChangeRecord | None:
        row = (await self._database.do(lambda connection: connection.execute(wanted.limit(1)))).first()
        return None if row is None else _record(row)

    @finishing
    async def _found(self, *wanted: ColumnElement[bool]) -> tuple[ChangeRecord, ...]:
        rows = select(ChangeRow).where(*wanted).order_by(ChangeRow.number)
        return tuple(map(_record, await self._database.do(lambda connection: connection.execute(rows))))


def _columns(record: ChangeRecord) -> dict[str, object]:
    return {
        "wire_id": record.wire_id,
        "operation": record.operation,
        "mark": record.mark,
        "request_mark": record.request_mark,
        "method": record.method,
        "token_id": record.caller.token_id,
        "key": record.caller.key,
        "begun": record.begun,
        "state": record.state.value,
        "answer": record.answer,
        "told": record.told,
        "ended": record.ended,
    }


def _record(row: Row[Any]) -> ChangeRecord:
    return ChangeRecord(
        number=row.number,
        wire_id=row.wire_id,
        operation=row.operation,
        mark=row.mark,
        request_mark=row.request_mark,
        method=row.method,
        caller=Caller(token_id=row.token_id, key=row.key),
        begun=row.begun,
        state=ChangeState(row.state),
        answer=row.answer,
        told=row.told,
        ended=row.ended,
    )
