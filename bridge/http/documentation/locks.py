"""What OpenAPI says of locks, their bolts and their activity; examples are made by the views that make the answers."""

from datetime import UTC, datetime
from typing import Any, Final

from bridge.activity import ActivityEntry
from bridge.audit import Gap
from bridge.http.lock_views import DOOR_STATES, STATES, entry_view, lock_view, operation_view, sync_view
from bridge.http.problems import BOLT_UNKNOWN, MISSING, PLAIN, WHY
from bridge.records import BoltOperation, LockRecord, PairingState
from bridge.refusals import SENTENCES
from bridge.states import KnownState
from protocol.vocabulary import (
    AuditEvent,
    AuditRecord,
    BoltState,
    Capability,
    Cause,
    ClockState,
    DoorState,
    Status,
)

from .answers import KEY, Answers, at_a_lock, failure, success, with_a_token

_MOMENT: Final = datetime(2026, 7, 1, 8, tzinfo=UTC)
_LOCK: Final = LockRecord(
    id=123,
    name="front",
    target="serial:/dev/ttyUSB0",
    wire_id=0x4C6F636B,
    public_key=bytes(32),
    state=PairingState.PAIRED,
    zone="Europe/Warsaw",
    version=1,
)
_KNOWN: Final = KnownState(
    reached=True,
    serial="111111-11111",
    firmware_version="1.0.0",
    capabilities=Capability.BOLT | Capability.LATCH,
    bolt=BoltState.LOCKED,
    bolt_since=_MOMENT,
    door=DoorState.CLOSED,
    battery=54,
)
_ENTRIES: Final = (
    ActivityEntry(
        id=17,
        lock_id=_LOCK.id,
        date=_MOMENT,
        item=AuditRecord(
            sequence=40,
            time=int(_MOMENT.timestamp()),
            clock=ClockState.TRUSTED,
            event=AuditEvent.ENTRY_GRANTED,
            cause=Cause.KEYPAD,
            pin_id=3,
        ),
    ),
    ActivityEntry(id=16, lock_id=_LOCK.id, date=_MOMENT.replace(hour=7), item=Gap(first=28, last=39)),
)


_DATE: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time"}
_NUMBER: Final[dict[str, Any]] = {"type": "integer"}
_NUMBER_OR_NULL: Final[dict[str, Any]] = {"type": ["integer", "null"]}
_TEXT_OR_NULL: Final[dict[str, Any]] = {"type": ["string", "null"]}
_FLAG: Final[dict[str, Any]] = {"type": "boolean"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object; the framework drops nulls from examples, so those fields are not required."""
    required = [name for name, schema in properties.items() if "null" not in schema.get("type", ())]
    return {"type": "object", "required": required, "properties": properties}


_SYNC: Final = _object(
    id=_NUMBER,
    isConnected=_FLAG,
    lockProperties=_object(
        state={"type": "integer", "enum": sorted(STATES.values())},
        isCharging=_FLAG,
        batteryLevel=_NUMBER_OR_NULL,
        stateChangeResult={"type": "integer", "description": "1 where the bolt is jammed."},
        doorState={"type": "integer", "enum": sorted(DOOR_STATES.values())},
        lastStateChangedDate=_DATE,
    ),
)
_SOFTWARE: Final = _object(softwareType=_NUMBER, version={"type": "string"}, updateAvailable=_FLAG)
_ONE_LOCK: Final = _object(
    **_SYNC["properties"],
    name={"type": "string"},
    type=_NUMBER,
    serialNumber=_TEXT_OR_NULL,
    connectedToId=_NUMBER_OR_NULL,
    timeZone={"type": "string"},
    deviceSettings=_object(pullSpringEnabled=_FLAG, autoPullSpringEnabled=_FLAG),
    softwareVersions={"type": ["array", "null"], "items": _SOFTWARE},
)
_ENTRY: Final = _object(
    id=_NUMBER,
    deviceId=_NUMBER,
    userId={"type": "null"},
    username={"type": "null"},
    source=_NUMBER,
    date={"type": "string", "format": "date-time"},
    event={"type": "integer", "description": "From 1000 on our own: 1000 is a gap, 1000 + n the lock's event n."},
    eventName={"type": "string"},
    cause=_TEXT_OR_NULL,
    denial=_TEXT_OR_NULL,
    detail=_NUMBER,
    pinId=_NUMBER_OR_NULL,
    peerId=_NUMBER_OR_NULL,
    clockTrusted={"type": ["boolean", "null"]},
    missing={"type": ["integer", "null"], "description": "How many records a gap stands for; null: nobody can know."},
)
_OPERATION: Final = _object(operationId={"type": "string"}, lastStateChangedDate=_DATE)


def locks_answers() -> Answers:
    """Return the answers of the list of locks."""
    one = lock_view(_LOCK, _KNOWN)
    return success(200, "All locks that the token is granted.", [one], _many(_ONE_LOCK)) | with_a_token()


def one_lock_answers() -> Answers:
    """Return the answers of the call for one lock."""
    return success(200, "The lock.", lock_view(_LOCK, _KNOWN), _ONE_LOCK) | with_a_token()


def syncs_answers() -> Answers:
    """Return the answers of the last known states."""
    told = success(200, "What the locks have last told.", [sync_view(_LOCK, _KNOWN)], _many(_SYNC))
    return told | failure(400, "A lock's number is none.", f"id: {WHY[PLAIN]}") | with_a_token()


def one_sync_answers() -> Answers:
    """Return the answers of one last known state."""
    return success(200, "What the lock has last told.", sync_view(_LOCK, _KNOWN), _SYNC) | with_a_token()


def activity_answers() -> Answers:
    """Return the answers of what happened at a lock."""
    told = [entry_view(entry) for entry in _ENTRIES]
    return (
        success(200, "What happened, newest first; a gap stands where records are lost.", told, _many(_ENTRY))
        | failure(400, "A parameter is missing or wrong.", f"deviceId: {MISSING}")
        | with_a_token()
    )


def operation_key() -> dict[str, Any]:
    """Return the operation's key, which the framework cannot know."""
    return {"parameters": [KEY]}


def operation_answers() -> Answers:
    """Return the answers of a bolt operation."""
    begun = operation_view(BoltOperation(begun=_MOMENT, bolt=BoltState.UNLOCKING))
    return (
        at_a_lock()
        | success(202, "The lock has begun, or its bolt is there already.", begun, _OPERATION)
        | failure(400, "Key or mode is none, or the lock cannot do this.", SENTENCES[Status.UNSUPPORTED])
        | failure(408, "The lock is silent or cannot be reached.", BOLT_UNKNOWN[1])
        | failure(409, "The bolt moves, or another change is under way; see Retry-After.", SENTENCES[Status.BUSY])
    )


def _many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}
