"""Work at the database is finished, whoever is cancelled: else its locks would keep everybody from the registry."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.finishing import finishing
from bridge.journal import ChangeState
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry
from tests.bridge.registries import FRONT, Ending
from tests.bridge.test_journal import RECORD
from tests.virtual_time import run


class Work:
    """Takes a second and ends as it is told to."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self._failure = failure
        self.ended = False

    @finishing
    async def do(self, result: int) -> int:
        await asyncio.sleep(1)
        self.ended = True
        if self._failure:
            raise self._failure
        return result


def test_work_is_done_as_without_it() -> None:
    async def scenario() -> None:
        assert await Work().do(7) == 7
        with pytest.raises(OSError, match="no room"):
            await Work(OSError("no room")).do(7)

    run(scenario())


@pytest.mark.parametrize("failure", [None, OSError("no room"), asyncio.CancelledError()])
def test_whoever_is_cancelled_is_so_once_the_work_has_ended(failure: BaseException | None) -> None:
    async def scenario() -> None:
        work = Work(failure)
        waiting = asyncio.ensure_future(work.do(7))
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.sleep(0.1)
        assert not waiting.done()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert work.ended

    run(scenario())


def test_a_change_that_is_cancelled_as_it_is_written_down_keeps_nobody_from_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.database._BUSY_TIMEOUT_MS", 100)

    async def cancelled_at(nth: int, registry: Registry, other: Registry) -> bool:
        writing = asyncio.ensure_future(registry.journal.begin(RECORD))
        Ending(registry, nth, writing.cancel)
        await asyncio.wait([writing])
        for record in await other.journal.unresolved(FRONT.wire_id):
            await other.journal.save(replace(record, state=ChangeState.NOT_DONE))
        return writing.cancelled()

    async def scenario() -> int:
        folder = StateFolder.open(tmp_path / "state")
        registry, other = await Registry.open(folder), await Registry.open(folder)
        cancellations = 0
        while await cancelled_at(cancellations, registry, other):
            cancellations += 1
        await registry.close()
        await other.close()
        return cancellations

    assert asyncio.run(scenario()) > 2
