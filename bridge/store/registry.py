"""The registry of locks and API tokens; where processes compete, the tables' constraints decide, no earlier look."""

from collections import defaultdict
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from sqlalchemy import URL, Row, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from ..activity import Activity
from ..errors import AlreadyRegistered, NotRegistered, UsageError, quoted
from ..records import LARGEST_LOCK_ID, Grant, LockRecord, PairingState, Scope, TokenRecord
from ..states import States
from .activity import SqlActivity
from .database import Database
from .folder import StateFolder
from .journal import SqlJournal
from .schema import GrantRow, LockRow, NumberRow, TokenRow
from .states import SqlStates
from .tokens import looks_like_token, new_token, token_hash
from .upgrading import bring_up_to_date

_LARGEST_TOKEN_ID = 2**31 - 1  # what PostgreSQL's column holds
LAST_USED_STEP = timedelta(minutes=1)


class Registry:
    """Locks and tokens in one database; made by `open`, ended by `close`.

    All times are aware. Every method raises DamagedState where the database fails.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._session = database.session

    @classmethod
    async def open(cls, folder: StateFolder, url: str | None = None) -> "Registry":
        """Open the registry in `folder`, or at `url`; make it on first use.

        Raises UsageError for a URL that names no usable driver, UnsafeState for a SQLite file that others may use,
        DamagedState for a database that is no registry, was made by another version or cannot be made. The safety of a
        database server is its owner's affair.
        """
        database = Database(_in_folder(folder) if url is None else url)
        try:
            async with database.session() as session:
                await (await session.connection()).run_sync(bring_up_to_date)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    @property
    def journal(self) -> SqlJournal:
        """The journal of changes in the same database; of use as long as the registry is."""
        return SqlJournal(self._database)

    @property
    def activity(self) -> Activity:
        """What happened at the locks, in the same database."""
        return SqlActivity(self._session)

    @property
    def states(self) -> States:
        """The last known states of the locks, in the same database."""
        return SqlStates(self._session)

    async def close(self) -> None:
        """Close all connections; the registry is of no use afterwards."""
        await self._database.close()

    async def add_lock(self, record: LockRecord) -> None:
        """Register a lock.

        Raises AlreadyRegistered where its number, name or wire id is taken, UsageError for a number outside
        1…LARGEST_LOCK_ID and for a name that is blank, unprintable or a number.
        """
        _require_usable(record)
        try:
            async with self._session() as session:
                session.add_all([NumberRow(number=record.id), LockRow(**asdict(record))])
        except IntegrityError as error:
            raise _conflict(record, await self.locks()) from error

    async def save_lock(self, record: LockRecord) -> None:
        """Replace all that is known of the lock `record.id`; raise as `add_lock` does, or NotRegistered."""
        _require_usable(record)
        change = update(LockRow).where(LockRow.id == record.id).values(asdict(record)).returning(LockRow.id)
        try:
            async with self._session() as session:
                saved = await session.scalar(change)
        except IntegrityError as error:
            raise _conflict(record, await self.locks()) from error
        if saved is None:
            raise _unknown(record.id)

    async def set_zone(self, lock_id: int, zone: str) -> None:
        """Learn a lock's zone, and leave the rest of its record as whoever else has written it."""
        async with self._session() as session:
            await session.execute(update(LockRow).where(LockRow.id == lock_id).values(zone=zone))

    async def rename_lock(self, lock_id: int, name: str) -> LockRecord:
        """Name a lock anew and leave the rest of its record as whoever has written it; raise as `save_lock` does."""
        known = await self.lock(lock_id)
        _require_usable(replace(known, name=name))
        change = update(LockRow).where(LockRow.id == lock_id).values(name=name).returning(LockRow)
        try:
            async with self._session() as session:
                row = await session.scalar(change)
        except IntegrityError as error:
            raise _conflict(replace(known, name=name), await self.locks()) from error
        if row is None:
            raise _unknown(lock_id)
        return _record(row)

    async def remove_lock(self, lock_id: int, *, even_paired: bool) -> bool:
        """Forget a lock and what tokens may do with it; its number is never given again. Raises NotRegistered.

        Without `even_paired`, a lock that is paired at that moment stays, and the answer is False.
        """
        removal = delete(LockRow).where(LockRow.id == lock_id)
        if not even_paired:
            removal = removal.where(LockRow.state != PairingState.PAIRED.value)
        async with self._session() as session:
            removed = await session.scalar(removal.returning(LockRow.id))
        if removed is None:
            await self.lock(lock_id)
        return removed is not None

    async def next_lock_id(self) -> int:
        """Return a number above all that locks were ever given."""
        async with self._session() as session:
            return 1 + (await session.scalar(select(func.max(NumberRow.number))) or 0)

    async def lock(self, lock_id: int) -> LockRecord:
        """Return the lock of this number; raise NotRegistered."""
        if not 0 < lock_id <= LARGEST_LOCK_ID:
            raise _unknown(lock_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(LockRow).where(LockRow.id == lock_id))).one_or_none()
        if row is None:
            raise _unknown(lock_id)
        return _record(row)

    async def find_lock(self, name_or_id: str) -> LockRecord:
        """Return the lock that a person names or numbers; raise NotRegistered, which says what locks there are."""
        locks = await self.locks()
        for record in locks:
            if name_or_id in (record.name, str(record.id)):
                return record
        if not locks:
            raise NotRegistered(f"There is no lock {quoted(name_or_id)}, nor any other. `latchwire pair` adds one.")
        known = ", ".join(f"{record.id} {record.name!r}" for record in locks)
        raise NotRegistered(f"There is no lock {quoted(name_or_id)}, only {known}. See `latchwire lock list`.")

    async def locks(self) -> tuple[LockRecord, ...]:
        """Return all locks, by number."""
        async with self._session() as session:
            rows = await session.scalars(select(LockRow).order_by(LockRow.id))
        return tuple(_record(row) for row in rows)

    async def create_token(
        self, *, scopes: frozenset[Scope], lock_ids: frozenset[int], expires: datetime | None
    ) -> str:
        """Return a new token for these locks; it is shown only now, the registry keeps its hash.

        Raises UsageError without any scope and for an expiry without an offset, NotRegistered for an unknown lock.
        """
        if not scopes:
            raise UsageError("A token without a scope allows nothing. Give it one, such as --scope Device.Read.")
        if expires is not None and expires.tzinfo is None:
            raise UsageError(f"The expiry {expires.isoformat()} has no offset from UTC. Add one, such as Z.")
        token = new_token()
        row = TokenRow(hash=token_hash(token), scopes=" ".join(sorted(scopes)), expires=expires)
        try:
            async with self._session() as session:
                session.add(row)
                await session.flush()
                session.add_all(GrantRow(token_id=row.id, lock_id=lock_id) for lock_id in lock_ids)
        except (IntegrityError, OverflowError) as error:  # overflow: a number that no column holds
            known = {record.id for record in await self.locks()}
            raise _unknown(*sorted(lock_ids - known)) from error
        return token

    async def tokens(self) -> tuple[TokenRecord, ...]:
        """Return all tokens, by number, those that have expired too."""
        locks: defaultdict[int, set[int]] = defaultdict(set)
        async with self._session() as session:
            for grant in await session.scalars(select(GrantRow)):
                locks[grant.token_id].add(grant.lock_id)
            rows = await session.scalars(select(TokenRow).order_by(TokenRow.id))
        return tuple(_token(row, frozenset(locks[row.id])) for row in rows)

    async def revoke_token(self, token_id: int) -> None:
        """Forget a token, which allows nothing from now on; raise NotRegistered."""
        revocation = delete(TokenRow).where(TokenRow.id == token_id).returning(TokenRow.id)
        async with self._session() as session:
            revoked = await session.scalar(revocation) if 0 < token_id <= _LARGEST_TOKEN_ID else None
        if revoked is None:
            raise NotRegistered(f"There is no token {token_id}. `latchwire token list` shows those that exist.")

    async def authenticate(self, token: str, now: datetime) -> Grant | None:
        """Return what `token` allows, or None where it is malformed, unknown or expired; note its use once a minute."""
        if not looks_like_token(token):
            return None
        wanted = token_hash(token)
        granted = select(TokenRow, GrantRow.lock_id).outerjoin(GrantRow, GrantRow.token_id == TokenRow.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(granted.where(TokenRow.hash == wanted))).all()
        row = rows[0] if rows else None
        if row is None or not compare_digest(row.hash, wanted) or (row.expires and row.expires <= now):
            return None
        # abs: a use noted while the clock ran ahead must not silence all later ones
        if row.last_used is None or abs(now - row.last_used) >= LAST_USED_STEP:
            async with self._database.writing() as connection:
                await connection.execute(update(TokenRow).where(TokenRow.id == row.id).values(last_used=now))
        return Grant(
            token_id=row.id,
            scopes=_scopes(row.scopes),
            locks=frozenset(row.lock_id for row in rows if row.lock_id is not None),
        )


def _in_folder(folder: StateFolder) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(folder.database))


def _require_usable(record: LockRecord) -> None:
    if not 0 < record.id <= LARGEST_LOCK_ID:
        raise UsageError(f"{record.id} cannot be a lock's number. Choose one from 1 to {LARGEST_LOCK_ID}.")
    if not record.name.strip() or not record.name.isprintable() or record.name.isdecimal():
        raise UsageError(f"{record.name!r} cannot be a lock's name. Choose a printable one that is not a number.")


def _conflict(record: LockRecord, locks: tuple[LockRecord, ...]) -> AlreadyRegistered:
    for other in locks:
        if other.id != record.id and other.name == record.name:
            return AlreadyRegistered(f"The name {record.name!r} belongs to lock {other.id}. Choose another name.")
        if other.id != record.id and other.wire_id == record.wire_id:
            return AlreadyRegistered(
                f"This lock ({record.wire_id:08X}) is registered as {other.id} {other.name!r}. Use it under that name."
            )
    taken = any(other.id == record.id for other in locks)
    whose = "belongs to another lock" if taken else "belonged to a lock that was removed, and callers may still mean it"
    return AlreadyRegistered(f"The number {record.id} {whose}. Choose another number.")


def _unknown(*lock_ids: int) -> NotRegistered:
    numbers = ", ".join(map(str, lock_ids))
    return NotRegistered(f"There is no lock {numbers}. `latchwire lock list` shows the locks that exist.")


def _record(row: LockRow | Row[Any]) -> LockRecord:
    return LockRecord(
        id=row.id,
        name=row.name,
        target=row.target,
        wire_id=row.wire_id,
        public_key=row.public_key,
        state=PairingState(row.state),
        zone=row.zone,
        version=row.version,
        list_version=row.list_version,
    )


def _token(row: TokenRow, locks: frozenset[int]) -> TokenRecord:
    return TokenRecord(id=row.id, scopes=_scopes(row.scopes), locks=locks, expires=row.expires, last_used=row.last_used)


def _scopes(names: str) -> frozenset[Scope]:
    return frozenset(map(Scope, names.split()))
