"""Transactions that are shared: what waits while one is committed goes into the next, and one commit serves it all.

A commit costs several times what it commits, and a bridge makes two for each change of each of its locks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    work: Work[Any]
    done: asyncio.Future[Any]


class SharedTransactions:
    """One transaction after another on a database, as long as anything is to be done."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[_Waiting] = []
        self._serving: asyncio.Task[None] | None = None

    async def do(self, work: Work[T]) -> T:
        """Return what `work` returns, once the transaction in which it was done is committed; raise what it raises.

        Where one work fails, nothing of its transaction is kept, and each of the others is done in one of its own: a
        work may be called twice, so it may do nothing but what a transaction takes back.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(work, done))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await done

    async def close(self) -> None:
        """Wait until nothing is to be done."""
        while self._serving:
            await self._serving

    async def _serve(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._perform(waiting)
        finally:
            self._serving = None

    async def _perform(self, waiting: list[_Waiting]) -> None:
        failed: list[_Waiting] = []
        try:
            async with self._engine.begin() as connection:
                results = [await _done(one, connection, failed) for one in waiting]
        except Exception as error:
            if failed and len(waiting) > 1:  # not the commit, whose failure may yet have kept everything
                for one in waiting:
                    await self._perform([one])
                return
            for one in waiting:
                _tell(one.done.set_exception, one, error)
            return
        for one, result in zip(waiting, results, strict=True):
            _tell(one.done.set_result, one, result)


async def _done(one: _Waiting, connection: AsyncConnection, failed: list[_Waiting]) -> Any:
    try:
        return await one.work(connection)
    except Exception:
        failed.append(one)
        raise


def _tell(tell: Callable[[Any], None], one: _Waiting, outcome: object) -> None:
    if not one.done.done():  # nobody may be left to be told
        tell(outcome)
