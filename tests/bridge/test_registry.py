import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError

from bridge.errors import AlreadyRegistered, DamagedState, NotRegistered, UnsafeState, UsageError
from bridge.records import Grant, LockRecord, PairingState, Scope
from bridge.store.folder import StateFolder, write_private
from bridge.store.registry import LARGEST_LOCK_ID, Registry
from bridge.store.schema import LockRow
from bridge.store.tokens import new_token, token_hash

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FRONT = LockRecord(
    id=1,
    name="front door",
    target="serial:/dev/ttyUSB0?baud=115200",
    wire_id=0xFFFFFFFF,
    public_key=bytes(range(32)),
    state=PairingState.PAIRED,
    zone="Europe/Warsaw",
    version=1,
    list_version=0xFFFFFFFF,
)
BACK = replace(FRONT, id=2, name="back door", wire_id=0, state=PairingState.UNCONFIRMED, list_version=None)
READ = frozenset({Scope.DEVICE_READ})


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def run(folder: StateFolder, scenario: Callable[[Registry], Awaitable[None]], *, url: str | None = None) -> None:
    async def opened_and_closed() -> None:
        registry = await Registry.open(folder, url)
        try:
            await scenario(registry)
        finally:
            await registry.close()

    asyncio.run(opened_and_closed())


def query(folder: StateFolder, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder.database)) as connection, connection:
        return connection.execute(sql).fetchall()


async def nothing(_registry: Registry) -> None:
    """Only open and close."""


async def new_grant(registry: Registry) -> Grant:
    token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
    grant = await registry.authenticate(token, NOW)
    assert grant
    return grant


def test_a_lock_comes_back_as_it_was_saved_even_after_a_restart(folder: StateFolder) -> None:
    async def fill(registry: Registry) -> None:
        await registry.add_lock(BACK)
        await registry.add_lock(FRONT)

    async def read(registry: Registry) -> None:
        assert await registry.locks() == (FRONT, BACK)
        assert await registry.lock(1) == FRONT
        assert (await registry.lock(2)).state is PairingState.UNCONFIRMED

    run(folder, fill)
    run(folder, read)


def test_the_table_has_every_field_of_a_lock() -> None:
    assert set(LockRow.__table__.columns.keys()) == {field.name for field in fields(LockRecord)}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (replace(BACK, id=1), "The number 1 belongs to another lock"),
        (replace(BACK, name=FRONT.name), "The name 'front door' belongs to lock 1"),
        (replace(BACK, wire_id=FRONT.wire_id), r"This lock \(FFFFFFFF\) is registered as 1 'front door'"),
        (FRONT, "The number 1 belongs to another lock"),
    ],
)
def test_a_lock_that_takes_anothers_place_is_refused_by_what_clashes(
    folder: StateFolder, record: LockRecord, sentence: str
) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(AlreadyRegistered, match=sentence) as caught:
            await registry.add_lock(record)
        assert record.target not in str(caught.value.__cause__)  # a log shows no row
        assert await registry.locks() == (FRONT,)

    run(folder, scenario)


@pytest.mark.parametrize("lock_id", [0, -1, LARGEST_LOCK_ID + 1])
def test_a_number_out_of_range_is_refused(folder: StateFolder, lock_id: int) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(UsageError, match="cannot be a lock's number"):
            await registry.add_lock(replace(FRONT, id=lock_id))

    run(folder, scenario)


@pytest.mark.parametrize("name", ["", " ", "7", "٧", "a\x1b[2J"])
def test_a_name_that_hides_a_lock_or_passes_for_a_number_is_refused(folder: StateFolder, name: str) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(UsageError, match="cannot be a lock's name"):
            await registry.add_lock(replace(BACK, name=name))
        with pytest.raises(UsageError, match="cannot be a lock's name"):
            await registry.save_lock(replace(FRONT, name=name))

    run(folder, scenario)


def test_saving_a_lock_replaces_each_field_and_no_other_lock(folder: StateFolder) -> None:
    changed = LockRecord(
        id=1,
        name="garage",
        target="tcp:127.0.0.1:7000",
        wire_id=5,
        public_key=bytes(32),
        state=PairingState.UNPAIRED,
        zone="UTC",
        version=2,
        list_version=None,
    )

    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        await registry.save_lock(changed)
        assert await registry.locks() == (changed, BACK)

    run(folder, scenario)


def test_saving_refuses_an_unknown_lock_and_a_name_or_wire_id_that_is_taken(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(NotRegistered, match="There is no lock 2"):
            await registry.save_lock(BACK)
        await registry.add_lock(BACK)
        with pytest.raises(AlreadyRegistered, match="'front door' belongs to lock 1"):
            await registry.save_lock(replace(BACK, name=FRONT.name))
        with pytest.raises(AlreadyRegistered, match="registered as 1 'front door'"):
            await registry.save_lock(replace(BACK, wire_id=FRONT.wire_id))
        assert await registry.locks() == (FRONT, BACK)

    run(folder, scenario)


def test_a_lock_is_found_by_its_name_or_number_alone(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(NotRegistered, match=r"nor any other\. `latchwire pair` adds one"):
            await registry.find_lock("front door")
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        assert await registry.find_lock("front door") == FRONT
        assert await registry.find_lock("2") == BACK
        for wrong in ("front", "Front Door", "02", "3", "", "9" * 5000):
            with pytest.raises(NotRegistered, match=r"only 1 'front door', 2 'back door'. See `latchwire lock list`"):
                await registry.find_lock(wrong)

    run(folder, scenario)


@pytest.mark.parametrize("lock_id", [0, 3, -1, 2**31, 2**64])
def test_an_unknown_number_is_not_registered_however_large(folder: StateFolder, lock_id: int) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(NotRegistered, match=f"There is no lock {lock_id}. `latchwire lock list`"):
            await registry.lock(lock_id)
        with pytest.raises(NotRegistered, match=f"There is no lock {lock_id}. `latchwire lock list`"):
            await registry.create_token(scopes=READ, lock_ids=frozenset({1, lock_id}), expires=None)
        assert (await new_grant(registry)).token_id == 1

    run(folder, scenario)


def test_a_token_allows_what_it_was_made_for(folder: StateFolder) -> None:
    scopes = frozenset({Scope.DEVICE_READ_WRITE, Scope.LOCK_OPERATE})
    expires = (NOW + timedelta(days=1)).astimezone(timezone(timedelta(hours=2)))

    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.add_lock(BACK)
        await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=None)
        token = await registry.create_token(scopes=scopes, lock_ids=frozenset({1, 2}), expires=expires)
        grant = await registry.authenticate(token, NOW)
        assert grant == Grant(token_id=2, scopes=scopes, locks=frozenset({1, 2}))

    run(folder, scenario)


def test_a_token_ends_at_its_expiry(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=NOW)
        assert await registry.authenticate(token, NOW - timedelta(microseconds=1))
        assert await registry.authenticate(token, NOW) is None

    run(folder, scenario)


def test_unknown_and_malformed_tokens_allow_nothing(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        for wrong in (new_token(), token[:-1], token + "A", token.swapcase(), "", "lw_", "\udcff", "é"):
            assert await registry.authenticate(wrong, NOW) is None

    run(folder, scenario)


def test_a_token_without_scope_or_with_an_ambiguous_expiry_is_refused(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        with pytest.raises(UsageError, match="A token without a scope"):
            await registry.create_token(scopes=frozenset(), lock_ids=frozenset(), expires=None)
        with pytest.raises(UsageError, match="has no offset from UTC"):
            await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=NOW.replace(tzinfo=None))

    run(folder, scenario)


def test_the_last_use_is_noted_once_a_minute_and_after_a_clock_set_back(folder: StateFolder) -> None:
    def noted() -> object:
        return query(folder, "SELECT last_used FROM tokens")[0][0]

    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        assert noted() is None
        for passed, expected in [(0, "12:00:00"), (59, "12:00:00"), (60, "12:01:00"), (-3600, "11:00:00")]:
            assert await registry.authenticate(token, NOW + timedelta(seconds=passed))
            assert noted() == f"2026-05-04 {expected}.000000"

    run(folder, scenario)


def test_a_use_at_an_ambiguous_time_is_not_noted(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        with pytest.raises(StatementError, match="a time without an offset"):
            await registry.authenticate(token, NOW.replace(tzinfo=None))

    run(folder, scenario)


def test_the_database_holds_a_tokens_hash_and_never_the_token(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        token = await registry.create_token(scopes=READ, lock_ids=frozenset(), expires=None)
        data = folder.database.read_bytes()
        assert token_hash(token) in data
        assert token.removeprefix("lw_")[:20].encode() not in data

    run(folder, scenario)


def test_the_id_of_a_revoked_token_is_never_given_again(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        first = await new_grant(registry)
        query(folder, "DELETE FROM tokens")
        assert (await new_grant(registry)).token_id > first.token_id

    run(folder, scenario)


def test_a_removed_lock_takes_its_grants_along(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        token = await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=None)
        with closing(sqlite3.connect(folder.database)) as connection, connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("DELETE FROM locks")
        await registry.add_lock(replace(BACK, id=1))
        grant = await registry.authenticate(token, NOW)
        assert grant
        assert grant.locks == frozenset()

    run(folder, scenario)


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


def test_a_database_of_another_program_is_refused_and_left_alone(folder: StateFolder) -> None:
    write_private(folder.database, b"")
    query(folder, "CREATE TABLE guests (name)")
    with pytest.raises(DamagedState, match=r"latchwire\.db is a database, but no registry of Latchwire"):
        asyncio.run(Registry.open(folder))
    assert query(folder, "SELECT name FROM sqlite_master") == [("guests",)]


@pytest.mark.parametrize("change", ["UPDATE schema_version SET version = 2", "DELETE FROM schema_version"])
def test_a_registry_of_another_version_is_refused(folder: StateFolder, change: str) -> None:
    run(folder, nothing)
    query(folder, change)
    with pytest.raises(DamagedState, match=r"has schema version (2|None), this program reads version 1"):
        run(folder, nothing)


def test_openings_at_once_make_one_registry(folder: StateFolder) -> None:
    async def scenario() -> None:
        registries = await asyncio.gather(*(Registry.open(folder) for _ in range(8)))
        await registries[0].add_lock(FRONT)
        assert await registries[-1].locks() == (FRONT,)
        for registry in registries:
            await registry.close()

    asyncio.run(scenario())
    assert query(folder, "SELECT version FROM schema_version") == [(1,)]


def test_processes_that_write_at_once_lose_nothing(folder: StateFolder) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from bridge.records import LockRecord, PairingState
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry

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
