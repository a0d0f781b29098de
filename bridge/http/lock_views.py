"""Locks and what happened at them as JSON, in the field names and numbers of the API that is spoken here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bridge.activity import ActivityEntry
from bridge.audit import Gap
from bridge.records import BoltOperation, LockRecord, PairingState
from bridge.states import MOVING, KnownState
from protocol.vocabulary import AuditEvent, AuditRecord, BoltState, Capability, Cause, Denial, DoorState

THIS_BRIDGE: Final = 1
"""The number of the bridge that a lock is connected to; there is one."""
LOCK_TYPE: Final = 2
"""What clients take for a lock."""

STATES: Final[Mapping[BoltState, int]] = {
    BoltState.UNKNOWN: 9,
    BoltState.LOCKED: 6,
    BoltState.UNLOCKED: 2,
    BoltState.LOCKING: 5,
    BoltState.UNLOCKING: 4,
    BoltState.PULLED: 7,
    BoltState.PULLING: 8,
}
DOOR_STATES: Final[Mapping[DoorState, int]] = {DoorState.UNKNOWN: 0, DoorState.OPEN: 2, DoorState.CLOSED: 3}
JAMMED: Final = 1
"""The stateChangeResult of a bolt that could not finish its movement."""

OWN_EVENTS: Final = 1000
"""Where our numbers begin: with a gap, then each AuditEvent that the API has no number for."""
EVENTS: Final[Mapping[tuple[AuditEvent, Cause], int]] = {
    (AuditEvent.LOCK, Cause.REQUEST): 0x20,
    (AuditEvent.UNLOCK, Cause.REQUEST): 0x21,
    (AuditEvent.LOCK, Cause.BUTTON): 0x22,
    (AuditEvent.UNLOCK, Cause.BUTTON): 0x23,
    (AuditEvent.LOCK, Cause.AUTOMATIC): 0x24,
    (AuditEvent.UNLOCK, Cause.AUTOMATIC): 0x25,
    (AuditEvent.LOCK, Cause.NONE): 0x26,
    (AuditEvent.UNLOCK, Cause.NONE): 0x27,
    (AuditEvent.UNLOCK, Cause.KEYPAD): 0x3D,
    (AuditEvent.PULL, Cause.REQUEST): 0x33,
    (AuditEvent.PULL, Cause.AUTOMATIC): 0x34,
    (AuditEvent.PULL, Cause.NONE): 0x35,
    (AuditEvent.PULL, Cause.KEYPAD): 0x3F,
}
EVENTS_OF_ANY_CAUSE: Final[Mapping[AuditEvent, int]] = {
    AuditEvent.JAM: 0x28,
    AuditEvent.POWER_ON: 0x2A,
    AuditEvent.ENTRY_GRANTED: 0x3D,
    AuditEvent.ENTRY_DENIED: 0x3E,
}
LOCKED_WITH_PIN: Final = 0x41
LOCKED_WITHOUT_PIN: Final = 0x42


def lock_view(lock: LockRecord, known: KnownState) -> dict[str, object]:
    """Return a lock with its last known state; what it has not told yet is null or left out."""
    told = {} if known.firmware_version is None else {"softwareVersions": [_software(known.firmware_version)]}
    settings = {"pullSpringEnabled": Capability.LATCH in known.capabilities, "autoPullSpringEnabled": False}
    return {
        **sync_view(lock, known),
        "name": lock.name,
        "type": LOCK_TYPE,
        "serialNumber": known.serial,
        "connectedToId": THIS_BRIDGE if lock.state is PairingState.PAIRED else None,
        "timeZone": lock.zone,
        "deviceSettings": settings,
        **told,
    }


def sync_view(lock: LockRecord, known: KnownState) -> dict[str, object]:
    """Return the last known state of a lock alone."""
    return {
        "id": lock.id,
        "isConnected": known.reached and lock.state is PairingState.PAIRED,
        "lockProperties": {
            "state": STATES[known.bolt],
            "isCharging": False,  # no lock tells of it
            "batteryLevel": known.battery,
            "stateChangeResult": JAMMED if known.jammed else 0,
            "doorState": DOOR_STATES[known.door],
            "lastStateChangedDate": known.bolt_since and date_text(known.bolt_since),
        },
    }


def operation_view(operation: BoltOperation) -> dict[str, object]:
    """Return a bolt operation; it says when the bolt began to move, which one that was there already did not."""
    return {
        "operationId": str(round(operation.begun.timestamp() * 1000)),
        "lastStateChangedDate": date_text(operation.begun) if operation.bolt in MOVING else None,
    }


def entry_view(entry: ActivityEntry) -> dict[str, object]:
    """Return one thing that happened, or that a gap is there: `missing` records, null where nobody can know."""
    head = {"id": entry.id, "deviceId": entry.lock_id, "userId": None, "username": None, "source": 0}
    if isinstance(entry.item, AuditRecord):
        return {**head, "date": date_text(entry.date), **_record(entry.item), "missing": 0}
    missing = entry.item.last - entry.item.first + 1 if isinstance(entry.item, Gap) else None
    nothing = dict.fromkeys(("cause", "denial", "pinId", "peerId", "clockTrusted"))
    tail = {"event": OWN_EVENTS, "eventName": "GAP", **nothing, "detail": 0, "missing": missing}
    return {**head, "date": date_text(entry.date), **tail}


def event_number(record: AuditRecord) -> int:
    """Return the API's number of an event; 1000 and the lock's own number where it has none."""
    if (record.event, record.cause) == (AuditEvent.LOCK, Cause.KEYPAD):
        return LOCKED_WITH_PIN if record.pin_id else LOCKED_WITHOUT_PIN
    own = EVENTS_OF_ANY_CAUSE.get(record.event, OWN_EVENTS + record.event)
    return EVENTS.get((record.event, record.cause), own)


def date_text(instant: datetime) -> str:
    """Return an instant as the API writes it, in UTC and milliseconds."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(record: AuditRecord) -> dict[str, object]:
    return {
        "event": event_number(record),
        "eventName": record.event.name,
        "cause": record.cause.name,
        "denial": _denial(record),
        "pinId": record.pin_id or None,
        "peerId": record.peer_id or None,
        "clockTrusted": bool(record.clock),
        "detail": record.detail,
    }


def _denial(record: AuditRecord) -> str | None:
    """Return why an entry was denied; None for a reason that a later firmware has."""
    known = record.event is AuditEvent.ENTRY_DENIED and record.detail in set(Denial)
    return Denial(record.detail).name if known else None


def _software(version: str) -> dict[str, object]:
    return {"softwareType": 0, "version": version, "updateAvailable": False}
