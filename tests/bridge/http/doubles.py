"""A double of the service that knows one lock and three tokens, records what it is asked, and fails on demand."""

from bridge.client import PinList
from bridge.errors import NotRegistered
from bridge.journal import Caller
from bridge.records import Grant, LockRecord, PairingState, Scope
from bridge.service import Service
from protocol.messages.device import StatusResponse
from protocol.vocabulary import BoltState, ClockState, DoorState, PinEntry, PinSummary

LOCK, UNGRANTED_LOCK, REMOVED_LOCK = 123, 124, 125
WRITER, READER = "lw_writer", "lw_reader"
TOKEN_IDS = {WRITER: 1, READER: 2}
PIN_ID = 3
WIRE_ID = 7
LIST_VERSION = 7
HELD = PinEntry(digits="97531", alias="Alias 1")


class RecordingService(Service):
    """WRITER may write at LOCK and at REMOVED_LOCK, which is not registered; READER may only read."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[str] = []
        self.created: list[PinEntry] = []
        self.held = HELD
        self.updated: list[tuple[int, PinEntry]] = []
        self.deleted: list[int] = []
        self.callers: list[Caller] = []
        self.failure: Exception | None = None
        self.zone = "Europe/Warsaw"

    async def require_ready(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def authenticate(self, token: str) -> Grant | None:
        self.calls.append("authenticate")
        scopes = {WRITER: Scope.DEVICE_READ_WRITE, READER: Scope.DEVICE_READ}
        if token not in scopes:
            return None
        locks = frozenset({LOCK, REMOVED_LOCK})
        return Grant(token_id=TOKEN_IDS[token], scopes=frozenset({scopes[token]}), locks=locks)

    async def lock(self, lock_id: int) -> LockRecord:
        self.calls.append("lock")
        if lock_id not in (LOCK, UNGRANTED_LOCK):
            raise NotRegistered(f"No lock has the number {lock_id}.")
        return LockRecord(
            id=lock_id,
            name="front",
            target="memory:",
            wire_id=WIRE_ID,
            public_key=bytes(32),
            state=PairingState.PAIRED,
            zone=self.zone,
            version=1,
        )

    async def locks(self) -> tuple[LockRecord, ...]:
        if self.failure is not None:
            raise self.failure
        return (await self.lock(LOCK),)

    async def create_pin(self, lock: LockRecord, entry: PinEntry, caller: Caller) -> int:
        self._asked("create_pin", lock, caller)
        self.created.append(entry)
        return PIN_ID

    async def update_pin(self, lock: LockRecord, pin_id: int, entry: PinEntry, caller: Caller) -> None:
        self._asked("update_pin", lock, caller)
        self.updated.append((pin_id, entry))

    async def delete_pin(self, lock: LockRecord, pin_id: int, caller: Caller) -> None:
        self._asked("delete_pin", lock, caller)
        self.deleted.append(pin_id)

    async def get_pin(self, lock: LockRecord, pin_id: int) -> PinEntry:
        self._asked("get_pin", lock)
        assert pin_id == PIN_ID
        return self.held

    async def list_pins(self, lock: LockRecord) -> PinList:
        self._asked("list_pins", lock)
        held = self.held
        pin = PinSummary(id=PIN_ID, alias=held.alias, enabled=held.enabled, schedule=held.schedule)
        return PinList(list_version=LIST_VERSION, pins=(pin,))

    async def status(self, lock: LockRecord) -> StatusResponse:
        self._asked("status", lock)
        return StatusResponse(
            list_version=LIST_VERSION,
            used=1,
            clock=ClockState.TRUSTED,
            time=0,
            battery=100,
            bolt=BoltState.LOCKED,
            door=DoorState.CLOSED,
            jammed=False,
        )

    def _asked(self, call: str, lock: LockRecord, *caller: Caller) -> None:
        self.calls.append(call)
        assert lock.id == LOCK
        if self.failure is not None:
            raise self.failure
        self.callers += caller
