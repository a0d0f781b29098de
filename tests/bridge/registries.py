"""A registry for a test, and what two locks in it look like."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import event
from sqlalchemy.engine import Connection

from bridge.records import Grant, LockRecord, PairingState, Scope
from bridge.store.folder import StateFolder
from bridge.store.registry import Registry

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


class Ending:
    """Lets something happen at one of a registry's statements or commits, the `nth` from 0."""

    def __init__(self, registry: Registry, nth: int, end: Callable[[], object]) -> None:
        self._left = nth
        self._end = end
        engine = registry._database._engine.sync_engine
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)

    def _statement(self, *_arguments: object) -> None:
        self._step()

    def _commit(self, _connection: Connection) -> None:
        self._step()

    def _step(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._end()
