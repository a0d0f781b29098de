"""A double of the service for the routes of locks, their bolts and their activity; it knows what a lock told."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import httpx2

from bridge.activity import ActivityEntry
from bridge.http.app import create_app
from bridge.journal import Caller
from bridge.records import BoltOperation, Grant, LockRecord, PairingState, Scope
from bridge.states import KnownState
from protocol.vocabulary import BoltAction, BoltState, Capability, DoorState

from .doubles import LOCK, REMOVED_LOCK, UNGRANTED_LOCK, RecordingService

NOW = datetime(2026, 11, 23, 9, 30, 0, 250_000, tzinfo=UTC)
SCOPES = {scope: frozenset({scope}) for scope in Scope} | {"none": frozenset[Scope]()}
"""What each token may do: its name is its scope."""
SECOND_LOCK = 7
KNOWN = KnownState(
    reached=True,
    serial="LW-00000001",
    firmware_version="1.2.3",
    capabilities=Capability.BOLT | Capability.LATCH,
    bolt=BoltState.LOCKED,
    bolt_since=NOW,
    door=DoorState.CLOSED,
    battery=54,
    state_told=NOW,
)


class LockService(RecordingService):
    """Knows three locks, of which a token is granted two, and what the first of them told."""

    def reset(self) -> None:
        super().reset()
        self.known = {LOCK: KNOWN}
        self.operations: list[tuple[BoltAction, Caller]] = []
        self.asked: list[tuple[int, int, datetime | None]] = []
        self.entries: tuple[ActivityEntry, ...] = ()
        self.moves_to = BoltState.UNLOCKING
        self.pairing = PairingState.PAIRED

    async def authenticate(self, token: str) -> Grant | None:
        if token not in SCOPES:
            return None
        return Grant(token_id=1, scopes=SCOPES[token], locks=frozenset({LOCK, SECOND_LOCK, REMOVED_LOCK}))

    async def locks(self) -> tuple[LockRecord, ...]:
        self._fail()
        first = replace(await self.lock(LOCK), state=self.pairing)
        return (replace(first, id=SECOND_LOCK, name="back"), first, replace(first, id=UNGRANTED_LOCK, name="side"))

    async def known_states(self, locks: Iterable[LockRecord]) -> tuple[KnownState, ...]:
        return tuple(self.known.get(lock.id, KnownState()) for lock in locks)

    async def activity(self, lock: LockRecord, count: int, before: datetime | None = None) -> tuple[ActivityEntry, ...]:
        self._fail()
        self.asked.append((lock.id, count, before))
        return self.entries

    async def operate_bolt(self, lock: LockRecord, action: BoltAction, caller: Caller) -> BoltOperation:
        assert lock.id == LOCK
        self._fail()
        self.operations.append((action, caller))
        return BoltOperation(begun=NOW, bolt=self.moves_to)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class Calls:
    """The application over such a service, and calls of it."""

    def __init__(self) -> None:
        self.service = LockService()
        self._transport = httpx2.ASGITransport(create_app(self.service))

    def __call__(
        self, method: str, path: str, *, token: str, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Make one call of `/api/v37/my` and what `path` says."""

        async def call() -> httpx2.Response:
            async with httpx2.AsyncClient(transport=self._transport, base_url="http://bridge", trust_env=False) as http:
                told = {"Authorization": f"PersonalKey {token}", **(headers or {})}
                return await http.request(method, f"/api/v37/my{path}", headers=told)

        return asyncio.run(call())
