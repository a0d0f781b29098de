"""What the lock keeps on flash: one small record a fact, laid out with the protocol's own fields.

Keys are the store's; a record's key never changes its meaning, so that an older image stays readable; a layout may grow
at its end alone, and `forms_of` says how what was written before is read.
"""

from dataclasses import dataclass, field

from protocol.fields import U8, U16, U32, Ascii, Bool, Bytes, Layout, Raw, Record, Terminated
from protocol.messages.pins import FINGERPRINT_SIZE
from protocol.messages.records import AUDIT_RECORD, PIN_ENTRY
from protocol.noise import KEY_SIZE
from protocol.vocabulary import AuditRecord, PinEntry

MAX_PEERS = 8
MAX_SLOTS = 250
AUDIT_RECORDS = 128
LEAST_AUDIT_RECORDS = 32
"""What every lock keeps (SPEC 8.5)."""

IDENTITY_KEY = 0x0001
LEDGER_KEY = 0x0002
ZONE_KEY = 0x0003
FLOOR_KEY = 0x0004
KEYPAD_KEY = 0x0010
BATTERY_KEY = 0x0011
PEER_KEYS = range(0x0100, 0x0100 + MAX_PEERS)
OPERATION_KEYS = range(0x0200, 0x0200 + MAX_PEERS)
SLOT_KEYS = range(0x1000, 0x1000 + MAX_SLOTS)
AUDIT_KEYS = range(0x2000, 0x2000 + AUDIT_RECORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The lock's static X25519 private key."""

    private: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The list version, moved by each change, and the last pin id given."""

    list_version: int = 1
    last_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """The IANA name of the lock's zone and that zone's POSIX rule."""

    name: str = "UTC"
    rule: str = "UTC0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The last time that the lock knew to be good, in epoch seconds UTC."""

    time: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A paired bridge."""

    peer_id: int
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The last change that the peer of the same index made: written in one record with its effect."""

    operation: int
    fingerprint: bytes
    response: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One slot in use, last changed at the epoch second `changed`; 0 where the lock did not believe its clock."""

    id: int
    entry: PinEntry
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keypad:
    """Wrong entries in a row, lock-outs in a row, and whether one runs."""

    wrong: int = 0
    lockouts: int = 0
    locked_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryWarning:
    """The lowest mark, in percent, that the battery was found low at; 0 where none is."""

    mark: int = 0


FlashRecord = Identity | Ledger | Zone | Floor | Peer | Operation | Pin | AuditRecord | Keypad | BatteryWarning

_IDENTITY = Record(Identity, "private" / Bytes(KEY_SIZE), Terminated)
_LEDGER = Record(Ledger, "list_version" / U32, "last_id" / U16, Terminated)
_ZONE = Record(Zone, "name" / Ascii, "rule" / Ascii, Terminated)
_FLOOR = Record(Floor, "time" / U32, Terminated)
_PEER = Record(Peer, "peer_id" / U32, "public_key" / Bytes(KEY_SIZE), Terminated)
_OPERATION = Record(Operation, "operation" / U32, "fingerprint" / Bytes(FINGERPRINT_SIZE), "response" / Raw, Terminated)
_PIN = Record(Pin, "id" / U16, "entry" / PIN_ENTRY, "changed" / U32, Terminated)
_AUDIT = Record(AuditRecord, *AUDIT_RECORD.fields, Terminated)

_KEYPAD = Record(Keypad, "wrong" / U8, "lockouts" / U8, "locked_out" / Bool(), Terminated)
_BATTERY = Record(BatteryWarning, "mark" / U8, Terminated)

_SINGLE: dict[int, Layout] = {
    IDENTITY_KEY: _IDENTITY,
    LEDGER_KEY: _LEDGER,
    ZONE_KEY: _ZONE,
    FLOOR_KEY: _FLOOR,
    KEYPAD_KEY: _KEYPAD,
    BATTERY_KEY: _BATTERY,
}
_RANGES: tuple[tuple[range, Layout], ...] = (
    (PEER_KEYS, _PEER),
    (OPERATION_KEYS, _OPERATION),
    (SLOT_KEYS, _PIN),
    (AUDIT_KEYS, _AUDIT),
)


def layout_of(key: int) -> Layout | None:
    """Return the layout of the record under `key`, None for a key of a later firmware."""
    return _SINGLE.get(key) or next((layout for keys, layout in _RANGES if key in keys), None)


def forms_of(key: int, value: bytes) -> tuple[bytes, ...]:
    """Return how a value may be read: as this firmware writes it, or as one did whose pins had no time of change."""
    return (value, value + bytes(4)) if key in SLOT_KEYS else (value,)
