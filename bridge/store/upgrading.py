"""Bring a database to the schema of this program, in the one transaction that opens it; of several processes one does.

The revisions are Alembic's (migrations/). It is imported only where there is something to do, for it is slow to import
and most commands find a database as they need it.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ..errors import DamagedState
from .database import place
from .schema import FIRST_REVISION, REVISION

MIGRATIONS = Path(__file__).parent / "migrations"

_NUMBERED = frozenset({1, 2})
"""What the table schema_version held before there were revisions; of either, revision 0002 makes the same."""
_ADVISORY_KEY = 0x6C61746368  # "latch": any number that all processes agree on


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables, or bring them to REVISION; raise DamagedState for what is no registry, or a newer one."""
    if _found(connection) == REVISION:
        return
    _exclude_others(connection)
    tables = set(inspect(connection).get_table_names())
    adopted = {"locks", "schema_version"} <= tables and _adopt(connection)
    found = FIRST_REVISION if adopted else _found(connection)
    if tables and ("locks" not in tables or found is None):
        raise DamagedState(
            f"{place(connection.engine.url)} is a database, but no registry of Latchwire. "
            "Name another one in LATCHWIRE_DATABASE or another folder in LATCHWIRE_STATE_DIR."
        )
    if found != REVISION:
        _upgrade(connection, found, adopted=adopted)


def _found(connection: Connection) -> str | None:
    """Return the revision that the database says it has, None where it says nothing."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return " and ".join(connection.scalars(text("SELECT version_num FROM alembic_version ORDER BY 1"))) or None


def _exclude_others(connection: Connection) -> None:
    """Wait until no other process is at the same work, and keep them waiting until this transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_KEY})"))


def _adopt(connection: Connection) -> bool:
    """Take the table away in which a registry counted its versions; what it has else is that of FIRST_REVISION."""
    version = connection.scalar(text("SELECT version FROM schema_version"))
    if version not in _NUMBERED:
        raise _unreadable(connection, f"schema version {version}")
    connection.execute(text("DROP TABLE schema_version"))
    return True


def _upgrade(connection: Connection, found: str | None, *, adopted: bool) -> None:
    from alembic import command  # noqa: PLC0415  see the module's docstring
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise _unreadable(connection, f"revision {found}")
    if adopted:
        command.stamp(config, FIRST_REVISION)
    command.upgrade(config, REVISION)


def _unreadable(connection: Connection, found: str) -> DamagedState:
    return DamagedState(
        f"{place(connection.engine.url)} has {found}, this program reads revision {REVISION}. "
        "Use the version of Latchwire that wrote it."
    )
