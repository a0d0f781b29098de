"""The tables of the registry; a change to any of them moves REVISION and brings its migration along."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

FIRST_REVISION = "0001"
REVISION = "0003"
"""The newest revision in migrations/versions: the one that has these tables."""


class Moment(TypeDecorator[datetime]):
    """An instant: aware on both sides, UTC in the database, also where that keeps no offset (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse a naive time (ValueError): nobody can tell which instant it means."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without an offset")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the time its offset back."""
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    """All tables of the registry."""


class LockRow(Base):
    """A LockRecord, field by field."""

    __tablename__ = "locks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(unique=True)
    target: Mapped[str]
    wire_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    public_key: Mapped[bytes]
    state: Mapped[str]
    zone: Mapped[str]
    version: Mapped[int]
    list_version: Mapped[int | None] = mapped_column(BigInteger)


class NumberRow(Base):
    """A number that some lock was given. It stays when the lock goes: callers out there still mean that lock by it."""

    __tablename__ = "lock_numbers"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class TokenRow(Base):
    """An API token; `scopes` holds the names of its scopes with a space between."""

    __tablename__ = "tokens"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never given again: audit lines name it

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[str]
    expires: Mapped[datetime | None] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)


class GrantRow(Base):
    """One lock that one token may use; it goes with either."""

    __tablename__ = "grants"

    token_id: Mapped[int] = mapped_column(ForeignKey(TokenRow.id, ondelete="CASCADE"), primary_key=True)
    lock_id: Mapped[int] = mapped_column(ForeignKey(LockRow.id, ondelete="CASCADE"), primary_key=True)


class ChangeRow(Base):
    """A ChangeRecord, field by field; it outlives its token and its lock, whose numbers are never given again."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("ix_changes_request", "wire_id", "token_id", "request_mark"),
        Index("ix_changes_open", "state", "wire_id"),
        # not unique: a key is free again once its change is known not to have been done
        Index("ix_changes_key", "token_id", "key"),
        Index("ix_changes_begun", "begun"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    wire_id: Mapped[int] = mapped_column(BigInteger)
    operation: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[bytes]
    request_mark: Mapped[bytes]
    method: Mapped[str]
    token_id: Mapped[int | None]
    key: Mapped[str | None]
    begun: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str]
    answer: Mapped[bytes]
    told: Mapped[bool]
    ended: Mapped[datetime | None] = mapped_column(Moment)


class StateRow(Base):
    """The KnownState of a lock, field by field; it goes with its lock."""

    __tablename__ = "states"

    lock_id: Mapped[int] = mapped_column(ForeignKey(LockRow.id, ondelete="CASCADE"), primary_key=True)
    reached: Mapped[bool]
    model: Mapped[str | None]
    serial: Mapped[str | None]
    firmware_version: Mapped[str | None]
    capabilities: Mapped[int] = mapped_column(BigInteger)
    info_told: Mapped[datetime | None] = mapped_column(Moment)
    bolt: Mapped[int]
    bolt_since: Mapped[datetime | None] = mapped_column(Moment)
    door: Mapped[int]
    jammed: Mapped[bool]
    battery: Mapped[int | None]
    state_told: Mapped[datetime | None] = mapped_column(Moment)


class ReadingRow(Base):
    """The Reading of a lock's audit, field by field; it goes with its lock."""

    __tablename__ = "readings"

    lock_id: Mapped[int] = mapped_column(ForeignKey(LockRow.id, ondelete="CASCADE"), primary_key=True)
    life: Mapped[int]
    cursor: Mapped[int] = mapped_column(BigInteger)
    ended: Mapped[datetime | None] = mapped_column(Moment)


class ActivityRow(Base):
    """An ActivityEntry: the audit records `first` to `last` of one life of a lock's flash; it goes with its lock.

    One number with an `event` is a record. Without, the numbers are a gap; 0, which no record has, is the start of
    another flash.
    """

    __tablename__ = "activity"
    __table_args__ = (
        UniqueConstraint("lock_id", "life", "first"),
        Index("ix_activity_lock_id_date", "lock_id", "date"),
        {"sqlite_autoincrement": True},  # an id is never given again: clients remember it
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    lock_id: Mapped[int] = mapped_column(ForeignKey(LockRow.id, ondelete="CASCADE"))
    life: Mapped[int]
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    date: Mapped[datetime] = mapped_column(Moment)
    time: Mapped[int] = mapped_column(BigInteger)
    clock: Mapped[int]
    event: Mapped[int | None]
    cause: Mapped[int]
    detail: Mapped[int]
    pin_id: Mapped[int]
    peer_id: Mapped[int] = mapped_column(BigInteger)
