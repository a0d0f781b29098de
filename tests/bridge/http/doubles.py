"""A double of the service that knows one lock and three tokens, records what it is asked, and fails on demand."""

from bridge.errors import NotRegistered
from bridge.journal import Caller
from bridge.records import Grant, LockRecord, PairingState, Scope
from bridge.service import Service
from protocol.vocabulary import PinEntry

LOCK, UNGRANTED_LOCK, REMOVED_LOCK = 123, 124, 125
WRITER, READER = "lw_writer", "lw_reader"
PIN_ID = 3


class RecordingService(Service):
    """WRITER may write at LOCK and at REMOVED_LOCK, which is not registered; READER may only read."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[str] = []
        self.created: list[PinEntry] = []
        self.callers: list[Caller] = []
        self.failure: Exception | None = None
        self.zone = "Europe/Warsaw"

    async def authenticate(self, token: str) -> Grant | None:
        self.calls.append("authenticate")
        scopes = {WRITER: Scope.DEVICE_READ_WRITE, READER: Scope.DEVICE_READ}
        if token not in scopes:
            return None
        locks = frozenset({LOCK, REMOVED_LOCK})
        return Grant(token_id=1, scopes=frozenset({scopes[token]}), locks=locks)

    async def lock(self, lock_id: int) -> LockRecord:
        self.calls.append("lock")
        if lock_id not in (LOCK, UNGRANTED_LOCK):
            raise NotRegistered(f"No lock has the number {lock_id}.")
        return LockRecord(
            id=lock_id,
            name="front",
            target="memory:",
            wire_id=7,
            public_key=bytes(32),
            state=PairingState.PAIRED,
            zone=self.zone,
            version=1,
        )

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        self.calls.append("create_pin")
        assert lock.id == LOCK
        if self.failure is not None:
            raise self.failure
        self.created.append(entry)
        self.callers.append(caller)
        return PIN_ID
