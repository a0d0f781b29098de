"""One database by its URL: private where it is a file, told of in a sentence where it fails.

SQLite keeps its rollback journal (no WAL): writes are rare and take milliseconds, a writer in another process is
waited for, and the whole registry stays in one file that a backup can copy. Beside it stays the file of the journal,
whose making and removing at each commit would cost more than the commit.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Dialect, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ..errors import DamagedState, UsageError
from ..private_files import create_private
from .folder import require_private_database, told
from .sharing import SharedTransactions, Work

T = TypeVar("T")

_BUSY_TIMEOUT_MS = 5000


class Database:
    """Connections to one database; `close` ends them."""

    def __init__(self, url: URL | str) -> None:
        """Raises UsageError for a URL that names no usable driver, UnsafeState for a SQLite file others may use."""
        self._engine = _engine(url)
        self._shared = SharedTransactions(self._engine)

    async def close(self) -> None:
        """Close all connections; the database is of no use afterwards."""
        await self._shared.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session that commits at its end, durably; raise DamagedState where that fails.

        An IntegrityError goes through: what a constraint means is the caller's to say.
        """
        with self._told():
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                yield session

    async def do(self, work: Work[T]) -> T:
        """Return what `work` returns for a connection, after a commit that it shares with what else has waited.

        Takes half the time of a session, and less the more is to be done: for what every request needs. Raises as
        `session` does. See SharedTransactions for what `work` may do.
        """
        with self._told():
            return await self._shared.do(work)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, OSError, TimeoutError) as error:
            raise _failure(self._engine.url, error) from error


def place(url: URL) -> str:
    """Return where a database is as people may read it: no password."""
    return str(url.database if url.get_backend_name() == "sqlite" else url)


def _engine(given: URL | str) -> AsyncEngine:
    try:
        url = make_url(given)
        engine = create_async_engine(url, hide_parameters=True, **_connections(url))
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise UsageError(
            f"LATCHWIRE_DATABASE cannot be used ({error}). Name a database with an asynchronous driver, such as "
            "sqlite+aiosqlite:////var/lib/latchwire/latchwire.db, or postgresql+asyncpg://USER@HOST/NAME with the "
            "extra latchwire[postgres] installed."
        ) from error
    if engine.dialect.name == "sqlite":
        _make_private(url)
        event.listen(engine.sync_engine, "do_connect", _try_sqlite)
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
    return engine


def _connections(url: URL) -> dict[str, Any]:
    """One for SQLite: several of one process would fight over the file until one is told that it is locked."""
    return {"pool_size": 1, "max_overflow": 0} if _is_file(url) else {}


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")


def _make_private(url: URL) -> None:
    if not _is_file(url):
        return
    file = Path(str(url.database))
    if str(file).startswith("file:"):
        raise UsageError("LATCHWIRE_DATABASE names a SQLite file by a URI. Name it by its path.")
    with told(file):
        if not file.exists():  # SQLite would make it by the umask; its journal takes the database's mode
            create_private(file, b"")
        require_private_database(file)


def _try_sqlite(_dialect: Dialect, _entry: ConnectionPoolEntry, where: list[Any], how: dict[str, Any]) -> None:
    # after a failed connect aiosqlite leaves its thread behind, which then dies loudly on a closed event loop
    sqlite3.connect(*where, **how).close()


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = EXTRA")  # FULL does not sync the folder: a row could go with the power
    cursor.execute("PRAGMA journal_mode = PERSIST")  # a commit ends with a header that is zeroed and synced
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.close()


def _failure(url: URL, error: Exception) -> DamagedState:
    if url.get_backend_name() != "sqlite":
        advice = "See that the server of LATCHWIRE_DATABASE runs, has this database and lets this user in."
    elif isinstance(error, OperationalError):
        advice = "See that its folder exists, the disk has room and no other program keeps hold of it."
    else:
        advice = "Restore it from a backup; without one, move it away, and every lock has to be paired again."
    cause = error.orig if isinstance(error, DBAPIError) else error
    return DamagedState(f"The registry {place(url)} cannot be read or written ({cause}). {advice}")
