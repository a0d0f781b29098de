"""Registries of earlier versions are taken in with all that they hold, by one process; newer ones are left alone."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import AlreadyRegistered, DamagedState
from bridge.journal import Caller, ChangeState
from bridge.records import Grant, Scope
from bridge.store.folder import StateFolder, write_private
from bridge.store.keys import load_or_create
from bridge.store.registry import Registry
from bridge.store.schema import REVISION
from tests.bridge.registries import BACK, FRONT, NOW, nothing, query, run

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"
VERSIONS = {1: ("version_1.sql",), 2: ("version_1.sql", "version_2.sql")}
TOKEN = "lw_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8wbVZgA"


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest, folder: StateFolder) -> int:
    """Put a registry of an earlier version into the folder, and return which."""
    number: int = request.param
    write_private(folder.database, b"")
    with closing(sqlite3.connect(folder.database)) as connection:
        for name in VERSIONS[number]:
            connection.executescript((SCHEMAS / name).read_text())
    return number


def dump(folder: StateFolder) -> list[str]:
    with closing(sqlite3.connect(folder.database)) as connection:
        return list(connection.iterdump())


def alembic(folder: StateFolder, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Alembic's own command as a developer would."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=ROOT,
        env={**os.environ, "LATCHWIRE_DATABASE": f"sqlite+aiosqlite:///{folder.database}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("version")
def test_a_registry_of_an_earlier_version_keeps_its_locks_tokens_and_grants(folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        assert await registry.locks() == (FRONT,)
        assert await registry.authenticate(TOKEN, NOW) == Grant(
            token_id=7, scopes=frozenset({Scope.DEVICE_READ, Scope.LOCK_OPERATE}), locks=frozenset({1})
        )

    run(folder, scenario)
    run(folder, scenario)


def test_a_registry_of_an_earlier_version_keeps_its_journal_or_gets_one(folder: StateFolder, version: int) -> None:
    async def scenario(registry: Registry) -> None:
        kept = await registry.journal.unresolved(FRONT.wire_id)
        assert [(record.number, record.caller, record.state) for record in kept] == (
            [] if version == 1 else [(5, Caller(token_id=7, key="key"), ChangeState.UNCONFIRMED)]
        )

    run(folder, scenario)


@pytest.mark.usefixtures("version")
def test_the_numbers_of_locks_that_were_there_before_are_as_taken_as_new_ones(folder: StateFolder) -> None:
    query(folder, "INSERT INTO locks SELECT 9, 'shed', '', 5, x'', 'paired', 'UTC', 1, NULL")
    run(folder, nothing)
    query(folder, "DELETE FROM locks WHERE id = 9")

    async def scenario(registry: Registry) -> None:
        with pytest.raises(AlreadyRegistered, match="The number 9 belonged to a lock that was removed"):
            await registry.add_lock(replace(BACK, id=9))

    run(folder, scenario)


@pytest.mark.usefixtures("version")
def test_openings_at_once_take_an_earlier_registry_in_once(folder: StateFolder) -> None:
    async def scenario() -> None:
        registries = await asyncio.gather(*(Registry.open(folder) for _ in range(8)))
        for registry in registries:
            assert await registry.locks() == (FRONT,)
            await registry.close()

    asyncio.run(scenario())
    assert query(folder, "SELECT version_num FROM alembic_version") == [(REVISION,)]


@pytest.mark.parametrize("version", [1], indirect=True)
@pytest.mark.usefixtures("version")
def test_processes_at_once_take_an_earlier_registry_in_once(folder: StateFolder) -> None:
    load_or_create(folder)
    words = [sys.executable, "-m", "bridge.cli", "lock", "list", "--json"]
    environment = {**os.environ, "LATCHWIRE_STATE_DIR": str(folder.path)}
    commands = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [command.communicate()[0] for command in commands]
    assert [json.loads(lines)["name"] for lines in said] == ["front door"] * 3


@pytest.mark.usefixtures("version")
def test_an_upgrade_that_fails_leaves_the_registry_as_it_was(folder: StateFolder) -> None:
    query(folder, "CREATE TABLE lock_numbers (in_the_way)")
    before = dump(folder)
    with pytest.raises(DamagedState, match=r"latchwire\.db cannot be read or written .*already exists"):
        run(folder, nothing)
    assert dump(folder) == before


@pytest.mark.usefixtures("version")
def test_a_registry_that_was_taken_in_is_as_a_new_one(folder: StateFolder, tmp_path: Path) -> None:
    other = StateFolder.open(tmp_path / "new")
    run(folder, nothing)
    run(other, nothing)
    shape = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2"
    assert query(folder, shape) == query(other, shape)


@pytest.mark.parametrize("change", ["UPDATE schema_version SET version = 3", "DELETE FROM schema_version"])
@pytest.mark.usefixtures("version")
def test_a_version_that_never_was_is_refused_and_left_alone(folder: StateFolder, change: str) -> None:
    query(folder, change)
    before = dump(folder)
    with pytest.raises(DamagedState, match=rf"has schema version (3|None), this program reads revision {REVISION}\. "):
        run(folder, nothing)
    assert dump(folder) == before


@pytest.mark.parametrize(
    "change", ["UPDATE alembic_version SET version_num = '9999'", "INSERT INTO alembic_version VALUES ('9999')"]
)
def test_a_registry_of_a_newer_revision_is_refused_and_left_alone(folder: StateFolder, change: str) -> None:
    run(folder, nothing)
    query(folder, change)
    before = dump(folder)
    with pytest.raises(DamagedState, match=rf"has revision .*9999, this program reads revision {REVISION}\. Use the"):
        run(folder, nothing)
    assert dump(folder) == before


def test_the_last_revision_has_the_tables_of_the_models(folder: StateFolder) -> None:
    run(folder, nothing)
    checked = alembic(folder, "check")
    assert (checked.returncode, checked.stdout.strip()) == (0, "No new upgrade operations detected."), checked.stderr
    assert alembic(folder, "heads").stdout.split()[0] == REVISION


def test_a_difference_between_tables_and_models_is_seen(folder: StateFolder) -> None:
    run(folder, nothing)
    query(folder, "DROP INDEX ix_changes_key")
    checked = alembic(folder, "check")
    assert checked.returncode != 0
    assert "ix_changes_key" in checked.stdout + checked.stderr


def test_a_registry_at_the_last_revision_is_opened_without_waiting_for_a_writer(folder: StateFolder) -> None:
    run(folder, nothing)
    with closing(sqlite3.connect(folder.database)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        run(folder, nothing)
