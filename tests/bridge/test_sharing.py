"""Transactions that are shared: one commit for all that has waited, and no work that pays for another's failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from bridge.store.sharing import SharedTransactions, Work
from tests.bridge.registries import FRONT, query, run
from tests.bridge.test_journal import RECORD


@asynccontextmanager
async def numbers() -> AsyncIterator[tuple[SharedTransactions, list[str]]]:
    """Yield transactions on a database with a table of numbers, and what ended each."""
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    try:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE numbers (number INTEGER NOT NULL)"))
        yield SharedTransactions(engine), _ends(engine)
    finally:
        await engine.dispose()


def _ends(engine: AsyncEngine) -> list[str]:
    ends: list[str] = []
    event.listen(engine.sync_engine, "commit", lambda _: ends.append("commit"))
    event.listen(engine.sync_engine, "rollback", lambda _: ends.append("rollback"))
    return ends


def adding(number: int | None) -> Work[int | None]:
    async def add(connection: AsyncConnection) -> int | None:
        await connection.execute(text("INSERT INTO numbers VALUES (:number)"), {"number": number})
        return number

    return add


async def kept(shared: SharedTransactions) -> set[int]:
    rows = await shared.do(lambda connection: connection.execute(text("SELECT number FROM numbers")))
    return set(rows.scalars())


def test_what_waits_together_shares_one_commit() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, ends):
            assert await asyncio.gather(*(shared.do(adding(number)) for number in range(50))) == list(range(50))
            assert ends == ["commit"]
            assert await kept(shared) == set(range(50))

    asyncio.run(scenario())


def test_what_comes_later_has_a_commit_of_its_own() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, ends):
            assert [await shared.do(adding(number)) for number in range(3)] == [0, 1, 2]
            assert ends == ["commit"] * 3

    asyncio.run(scenario())


def test_a_work_that_fails_is_alone_in_that() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, ends):
            asked = [shared.do(adding(number)) for number in (1, None, 2)]
            first, failed, last = await asyncio.gather(*asked, return_exceptions=True)
            assert (first, last) == (1, 2)
            assert isinstance(failed, Exception)
            assert "NOT NULL" in str(failed)
            assert ends == ["rollback", "commit", "rollback", "commit"]
            assert await kept(shared) == {1, 2}

    asyncio.run(scenario())


def test_a_commit_that_fails_is_told_to_all_and_tried_by_nobody_anew() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, ends):

            def fail(_: object) -> None:
                event.remove(shared._engine.sync_engine, "commit", fail)
                raise OperationalError("COMMIT", None, OSError("disk I/O error"))

            event.listen(shared._engine.sync_engine, "commit", fail)
            asked = [shared.do(adding(number)) for number in (1, 2)]
            told = await asyncio.gather(*asked, return_exceptions=True)
            assert [type(one) for one in told] == [OperationalError] * 2
            assert ends.count("commit") == 1
            assert await shared.do(adding(3)) == 3

    asyncio.run(scenario())


def test_whoever_is_gone_keeps_nobody_from_being_told() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, _):
            gone = asyncio.ensure_future(shared.do(adding(1)))
            stays = asyncio.ensure_future(shared.do(adding(2)))
            await asyncio.sleep(0)
            gone.cancel()
            assert await stays == 2
            assert gone.cancelled()
            await shared.close()
            assert await kept(shared) == {1, 2}

    asyncio.run(scenario())


def test_closing_waits_for_what_nobody_waits_for() -> None:
    async def scenario() -> None:
        async with numbers() as (shared, ends):
            gone = asyncio.ensure_future(shared.do(adding(1)))
            await asyncio.sleep(0)
            gone.cancel()
            await shared.close()
            assert ends == ["commit"]
            with pytest.raises(asyncio.CancelledError):
                await gone

    asyncio.run(scenario())


def test_the_changes_of_many_locks_share_commits(tmp_path: Path) -> None:
    folder = StateFolder.open(tmp_path / "state")

    async def scenario(registry: Registry) -> None:
        await registry.add_lock(FRONT)
        ends = _ends(registry._database._engine)
        begun = await asyncio.gather(*(registry.journal.begin(replace(RECORD, wire_id=lock)) for lock in range(50)))
        assert ends == ["commit"]
        await asyncio.gather(*(registry.journal.save(replace(record, told=True)) for record in begun))
        assert ends == ["commit"] * 2

    run(folder, scenario)
    assert query(folder, "SELECT count(*) FROM changes WHERE told") == [(50,)]
