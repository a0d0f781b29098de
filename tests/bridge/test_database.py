"""The registry's database: private, refused where it is not what it must be, and used by several processes at once."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.errors import DamagedState, UnsafeState, UsageError
from bridge.private_files import write_private
from bridge.store.database import Database
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from bridge.store.schema import REVISION
from tests.bridge.registries import FRONT, nothing, query, run
from tests.bridge.test_journal import RECORD

Way = Callable[..., Awaitable[Any]]


async def by_session(database: Database, *statements: str) -> Any:
    async with database.session() as session:
        return [await session.scalar(text(statement)) for statement in statements][-1]


async def by_work(database: Database, *statements: str) -> Any:
    async def work(connection: AsyncConnection) -> Any:
        return [await connection.scalar(text(statement)) for statement in statements][-1]

    return await database.do(work)


WAYS: dict[str, Way] = {"session": by_session, "work": by_work}
"""How a Database is asked."""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def test_the_database_is_private_whatever_the_umask(folder: StateFolder) -> None:
    before = os.umask(0)
    try:
        run(folder, nothing)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.database.stat().st_mode) == 0o600


def test_a_database_elsewhere_leaves_the_folder_without_one(folder: StateFolder, tmp_path: Path) -> None:
    run(folder, nothing, url=f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.db'}")
    assert (tmp_path / "elsewhere.db").exists()
    assert not folder.database.exists()


def test_an_sqlite_file_that_is_named_is_made_for_its_owner_alone(folder: StateFolder, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run(folder, nothing, url=f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.db'}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "elsewhere.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_an_sqlite_file_that_is_named_and_open_to_others_is_refused_with_the_remedy(
    folder: StateFolder, tmp_path: Path, suffix: str
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.db'}"
    run(folder, nothing, url=url)
    file = tmp_path / f"elsewhere.db{suffix}"
    file.touch()
    file.chmod(0o640)
    with pytest.raises(UnsafeState, match=f"`chmod 600 {file}`"):
        run(folder, nothing, url=url)


def test_an_sqlite_file_named_by_a_uri_whose_mode_nobody_would_check_is_refused(
    folder: StateFolder, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"LATCHWIRE_DATABASE .* path"):
        run(folder, nothing, url=f"sqlite+aiosqlite:///file:{tmp_path / 'elsewhere.db'}?uri=true")
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_database_in_memory_has_no_file_to_check(
    folder: StateFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"):
        run(folder, nothing, url=url)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize("url", ["nonsense", "oracle9://host", "sqlite:///file.db", "sqlite+aiosqlite://host:port"])
def test_a_url_that_names_no_usable_driver_is_refused(folder: StateFolder, url: str) -> None:
    with pytest.raises(UsageError, match="LATCHWIRE_DATABASE cannot be used"):
        asyncio.run(Registry.open(folder, url))


def test_a_file_that_is_no_database_is_reported_and_left_alone(folder: StateFolder) -> None:
    write_private(folder.database, b"not a database" * 100)
    with pytest.raises(DamagedState, match=r"latchwire\.db cannot be read .*not a database\). Restore it"):
        asyncio.run(Registry.open(folder))
    assert folder.database.read_bytes() == b"not a database" * 100


def test_damage_behind_the_first_page_is_reported(folder: StateFolder) -> None:
    run(folder, nothing)
    data = folder.database.read_bytes()
    folder.database.write_bytes(data[:4096].ljust(len(data), b"\xff"))
    with pytest.raises(DamagedState, match=r"malformed\). Restore it from a backup"):
        run(folder, nothing)


def test_a_database_that_cannot_be_opened_is_reported_before_any_thread_is_started(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiosqlite.connect", None)
    folder.database.mkdir(mode=0o700)
    with pytest.raises(DamagedState, match=r"unable to open database file\). See that its folder exists"):
        asyncio.run(Registry.open(folder))


@pytest.mark.parametrize("name", ["guests", "locks", "schema_version", "alembic_version"])
def test_a_database_of_another_program_is_refused_and_left_alone(folder: StateFolder, name: str) -> None:
    write_private(folder.database, b"")
    query(folder, f"CREATE TABLE {name} (version_num)")
    with pytest.raises(DamagedState, match=r"latchwire\.db is a database, but no registry of Latchwire"):
        asyncio.run(Registry.open(folder))
    assert query(folder, "SELECT name FROM sqlite_master") == [(name,)]


def test_openings_at_once_make_one_registry(folder: StateFolder) -> None:
    async def scenario() -> None:
        registries = await asyncio.gather(*(Registry.open(folder) for _ in range(8)))
        await registries[0].add_lock(FRONT)
        assert await registries[-1].locks() == (FRONT,)
        for registry in registries:
            await registry.close()

    asyncio.run(scenario())
    assert query(folder, "SELECT version_num FROM alembic_version") == [(REVISION,)]


def test_processes_that_write_at_once_lose_nothing(folder: StateFolder) -> None:
    program = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from bridge.records import LockRecord, PairingState
from bridge.store.database import Database
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from bridge.store.schema import REVISION

async def add(first: int) -> None:
    registry = await Registry.open(StateFolder.open(Path(sys.argv[1])))
    for number in range(first, first + 20):
        await registry.add_lock(LockRecord(id=number, name=f"door {number}", target="", wire_id=number,
            public_key=b"", state=PairingState.PAIRED, zone="UTC", version=1))
    await registry.close()

asyncio.run(add(int(sys.argv[2])))
"""
    command = [sys.executable, "-c", program, str(folder.path)]
    processes = [subprocess.Popen([*command, str(first)]) for first in (1, 21, 41)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert query(folder, "SELECT count(*) FROM locks") == [(60,)]


def test_many_tasks_of_one_process_do_not_lock_each_other_out(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        records = [replace(RECORD, wire_id=number) for number in range(100)]
        kept = await asyncio.gather(*(registry.journal.begin(record) for record in records))
        assert len({record.number for record in kept}) == 100

    run(folder, scenario)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_connection_syncs_what_it_commits(folder: StateFolder, way: Way) -> None:
    async def scenario(registry: Registry) -> None:
        assert await way(registry._database, "PRAGMA synchronous") == 3
        assert await way(registry._database, "PRAGMA journal_mode") == "persist"

    run(folder, scenario)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_failure_in_mid_work_is_told_and_changes_nothing(folder: StateFolder, way: Way) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(DamagedState, match=r"latchwire\.db cannot be read or written .*no such table"):
            await way(registry._database, "DELETE FROM locks RETURNING id", "DELETE FROM guests")
        assert await registry.locks() == (FRONT,)

    run(folder, scenario)
