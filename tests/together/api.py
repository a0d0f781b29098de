"""The HTTP API at a desk: application, service, engine and simulated lock in one loop of virtual time.

Every answer but the one that tells a pin is searched for the digits that were submitted.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bridge.client import LockClient
from bridge.http.app import create_app
from bridge.records import Grant, LockRecord, Scope
from bridge.service import Service
from bridge.store.registry import Registry
from tests.conftest import DRAWN
from tests.together.desk import Desk, at_a_desk
from tests.together.memories import MemoryActivity, MemoryStates

ALICE, BOB, READER = "lw_alice", "lw_bob", "lw_reader"
NUMBERS = {ALICE: 1, BOB: 2, READER: 3}

Body = Mapping[str, object]


class _OneLock(Registry):
    """A registry that knows the desk's lock and three tokens, and needs no file."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._activity = MemoryActivity()
        self._states = MemoryStates()

    @property
    def activity(self) -> MemoryActivity:
        return self._activity

    @property
    def states(self) -> MemoryStates:
        return self._states

    async def authenticate(self, token: str, now: datetime) -> Grant | None:
        del now
        scope = Scope.DEVICE_READ if token == READER else Scope.DEVICE_READ_WRITE
        locks = frozenset({self._desk.record.id})
        return Grant(token_id=NUMBERS[token], scopes=frozenset({scope}), locks=locks)

    async def lock(self, lock_id: int) -> LockRecord:
        assert lock_id == self._desk.record.id
        return self._desk.record

    async def save_lock(self, lock: LockRecord) -> None:
        self._desk.record = lock


class Api:
    """The calls of a client; whoever takes the bridge away takes the application with it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._start()

    async def restart(self) -> None:
        """Take the bridge away in mid-work, and start another on its journal."""
        await self.desk.restart()
        self._start()

    async def call(
        self, method: str, path: str = "", body: Body | None = None, *, token: str = ALICE, key: str | None = None
    ) -> httpx2.Response:
        """Make one call at the lock's pins."""
        headers = {"Authorization": f"Bearer {token}"} | ({} if key is None else {"Idempotency-Key": key})
        async with httpx2.AsyncClient(transport=self._transport, base_url="http://bridge", trust_env=False) as client:
            answer = await client.request(method, f"/api/v37/my/lock/1/pin{path}", json=body, headers=headers)
        assert body is None or str(body["pin"]) not in DRAWN.sub("", f"{answer.headers}{answer.text}")
        return answer

    async def create(self, body: Body) -> int:
        """Create a pin and return its number."""
        answer = await self.call("POST", "", body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["result"]["id"])

    async def told(self, path: str = "") -> Any:
        """Return the result of a read."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    async def move_to(self, zone: str) -> None:
        """Put up the lock in another zone; the registry knows."""
        await self.desk.engine.read(self.desk.record, LockClient.set_clock, zone, force=False)
        self.desk.record = replace(self.desk.record, zone=zone)

    def opens(self, digits: str) -> bool:
        """Type at the keypad."""
        return self.desk.door.simulator.enter(digits).granted

    def _start(self) -> None:
        app = create_app(Service(_OneLock(self.desk), self.desk.engine, self.desk.folder))
        self._transport = httpx2.ASGITransport(app)


def at_an_api(test: Callable[[Api], Awaitable[None]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test at a new door with a desk that serves HTTP."""
    at_a_desk(lambda desk: test(Api(desk)), folder, monkeypatch)
