"""The registry in PostgreSQL, where one is at hand: the same rows, the same refusals, one process that migrates."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.errors import AlreadyRegistered, DamagedState
from bridge.records import PairingState
from bridge.states import KnownState, by_info, by_status
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from bridge.store.schema import REVISION
from tests.bridge.registries import BACK, FRONT, NOW, READ, nothing, run
from tests.bridge.test_activity import Ring, read, stored
from tests.bridge.test_journal import CONFIRMED, RECORD
from tests.bridge.test_states import INFO, STATUS

PROGRAMS = ("initdb", "pg_ctl")
SERVANT = "nobody" if os.geteuid() == 0 else None
"""PostgreSQL refuses to run as root."""

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)),
    reason="No PostgreSQL is at hand (initdb and pg_ctl on the PATH), so the registry was not tried there.",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """Run a server with a socket in a folder of its own, and end it with all that it holds."""
    folder = Path(tempfile.mkdtemp(prefix="lw-"))
    shutil.chown(folder, SERVANT or os.geteuid())
    words = ["pg_ctl", "--pgdata", str(folder / "data"), "--log", str(folder / "log"), "--wait"]
    try:
        command("initdb", "--pgdata", str(folder / "data"), "--auth", "trust", "--username", "latch", "--no-sync")
        command(*words, "--options", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
        try:
            yield folder
        finally:
            command(*words, "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def command(*words: str) -> None:
    subprocess.run(words, user=SERVANT, cwd="/", check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def url(server: Path) -> str:
    """Return the URL of a database in which nothing is."""
    at = f"postgresql+asyncpg://latch@/postgres?host={server}"
    execute(at, "DROP SCHEMA public CASCADE")
    execute(at, "CREATE SCHEMA public")
    return at


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def execute(url: str, sql: str) -> None:
    async def at_the_server() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text(sql))
        await engine.dispose()

    asyncio.run(at_the_server())


@pytest.fixture
def at_the_server(folder: StateFolder, url: str) -> Callable[[Callable[[Registry], Awaitable[None]]], None]:
    return lambda scenario: run(folder, scenario, url=url)


At = Callable[[Callable[[Registry], Awaitable[None]]], None]


def test_locks_tokens_and_changes_come_back_as_they_were_saved(at_the_server: At, folder: StateFolder) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(BACK)
        await registry.add_lock(FRONT)
        await registry.save_lock(replace(BACK, state=PairingState.PAIRED))
        expires = NOW + timedelta(days=1)
        token = await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=expires)
        grant = await registry.authenticate(token, NOW)
        assert grant
        assert (grant.scopes, grant.locks) == (READ, frozenset({1}))
        assert await registry.authenticate(token, expires) is None
        begun = await registry.journal.begin(RECORD)
        assert await registry.journal.unresolved(FRONT.wire_id) == (begun,)
        await registry.journal.save(replace(CONFIRMED, number=begun.number))

    async def again(registry: Registry) -> None:
        assert await registry.locks() == (FRONT, replace(BACK, state=PairingState.PAIRED))
        assert await registry.journal.unresolved_locks() == frozenset()
        assert await registry.journal.latest(FRONT.wire_id, RECORD.caller, RECORD.request_mark)

    at_the_server(scenario)
    at_the_server(again)
    assert not folder.database.exists()


def test_what_is_removed_takes_rights_along_and_leaves_its_number(at_the_server: At) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        await registry.create_token(scopes=READ, lock_ids=frozenset({1}), expires=None)
        assert await registry.rename_lock(1, "garage") == replace(FRONT, name="garage")
        assert not await registry.remove_lock(1, even_paired=False)
        assert await registry.remove_lock(1, even_paired=True)
        assert [token.locks for token in await registry.tokens()] == [frozenset()]
        assert await registry.next_lock_id() == 2
        await registry.revoke_token(1)
        assert await registry.tokens() == ()

    at_the_server(scenario)


def test_what_clashes_is_refused(at_the_server: At) -> None:
    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        with pytest.raises(AlreadyRegistered, match="The name 'front door' belongs to lock 1"):
            await registry.add_lock(replace(BACK, name=FRONT.name))

    at_the_server(scenario)


def test_openings_at_once_make_one_registry(folder: StateFolder, url: str) -> None:
    async def scenario() -> None:
        registries = await asyncio.gather(*(Registry.open(folder, url) for _ in range(8)))
        await registries[0].add_lock(FRONT)
        assert await registries[-1].locks() == (FRONT,)
        for registry in registries:
            await registry.close()

    asyncio.run(scenario())


def test_a_database_of_another_program_and_a_newer_registry_are_refused(
    at_the_server: At, folder: StateFolder, url: str
) -> None:
    execute(url, "CREATE TABLE guests (name text)")
    with pytest.raises(DamagedState, match="is a database, but no registry of Latchwire"):
        asyncio.run(Registry.open(folder, url))
    execute(url, "DROP TABLE guests")
    at_the_server(nothing)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DamagedState, match=f"has revision 9999, this program reads revision {REVISION}"):
        asyncio.run(Registry.open(folder, url))


def test_the_last_revision_has_the_tables_of_the_models(at_the_server: At, url: str) -> None:
    at_the_server(nothing)
    subprocess.run(
        [sys.executable, "-m", "alembic", "check"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "LATCHWIRE_DATABASE": url},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_a_server_that_cannot_be_reached_is_told_of(folder: StateFolder, tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://latch:hidden@/postgres?host={tmp_path}"
    sentence = r"cannot be read or written \(.*No such file or directory\)\. See that the server of LATCHWIRE"
    with pytest.raises(DamagedState, match=sentence) as caught:
        asyncio.run(Registry.open(folder, url))
    assert "hidden" not in str(caught.value)


def test_what_is_known_and_what_happened_come_back_and_readers_at_once_store_each_record_once(
    folder: StateFolder, url: str
) -> None:
    async def scenario() -> None:
        ring = Ring()
        ring.happen(*range(20))
        registries = [await Registry.open(folder, url) for _ in range(4)]
        first = registries[0]
        await first.add_lock(FRONT)
        await asyncio.gather(*(read(ring, registry.activity) for registry in registries))
        assert [entry.item for entry in await stored(first.activity)] == ring.records
        known = by_status(STATUS, NOW)(by_info(INFO, NOW)(KnownState()))
        await first.states.renew(FRONT.id, lambda _: known)
        assert await registries[-1].states.states([FRONT.id]) == {FRONT.id: known}
        for registry in registries:
            await registry.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("words", "cause"), [("latch@/nowhere", "does not exist"), ("nobody@/postgres", "does not")])
def test_a_server_that_lets_nobody_in_is_told_of(folder: StateFolder, server: Path, words: str, cause: str) -> None:
    with pytest.raises(DamagedState, match=cause):
        asyncio.run(Registry.open(folder, f"postgresql+asyncpg://{words}?host={server}"))
