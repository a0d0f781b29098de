"""The tables of the registry; a change to any of them moves REVISION and brings its migration along."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

FIRST_REVISION = "0001"
REVISION = "0002"
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
