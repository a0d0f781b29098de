"""What version 1 has sent: values beside their bytes, field by field. Do not change them: add."""

from enum import IntEnum, IntFlag

from protocol.framing import Frame, Kind
from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.messages.bolt import BoltOperateRequest, BoltOperateResponse
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Request, Response
from protocol.messages.device import (
    InfoRequest,
    InfoResponse,
    PingRequest,
    PingResponse,
    StatusRequest,
    StatusResponse,
)
from protocol.messages.hello import HelloFlag, HelloRequest, HelloResponse, Mode
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest, UnpairResponse
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinClearResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinListResponse,
    PinUpdateRequest,
    PinUpdateResponse,
)
from protocol.vocabulary import (
    AuditEvent,
    AuditRecord,
    BoltAction,
    BoltState,
    Capability,
    Cause,
    ClockState,
    Denial,
    DoorState,
    PinEntry,
    PinSummary,
    Rule,
    Schedule,
    Status,
    Weekdays,
    Window,
)

WORKDAYS = Weekdays.MONDAY | Weekdays.TUESDAY | Weekdays.WEDNESDAY | Weekdays.THURSDAY | Weekdays.FRIDAY
SCHEDULE = Schedule(
    valid_from=0x65920080,
    valid_until=0x67748580,
    windows=(
        Window(weekdays=WORKDAYS, start=480, end=1080),
        Window(weekdays=Weekdays.SATURDAY | Weekdays.SUNDAY, start=1320, end=360),
    ),
)
SCHEDULE_BYTES = "65920080 67748580  02  1f 01e0 0438  60 0528 0168"
LIMITED = PinEntry(digits="13579", alias="Zoë", enabled=False, schedule=SCHEDULE)
LIMITED_BYTES = f"05 3133353739  04 5a6fc3ab  00  {SCHEDULE_BYTES}"
ALWAYS = PinEntry(digits="24680246", alias="x")
ALWAYS_BYTES = "08 3234363830323436  01 78  01  00000000 00000000 00"

MESSAGES: list[tuple[Request, str, Response, str]] = [
    (
        InfoRequest(),
        "01",
        InfoResponse(
            lock_id=0xA0B0C0D0,
            min_version=1,
            max_version=2,
            model="sim",
            serial="SIM-1",
            firmware_version="0.1.0",
            capacity=300,
            max_frame=1024,
            capabilities=Capability.SCHEDULE | Capability.CLOCK | Capability.BATTERY_LEVEL,
        ),
        "01 00  a0b0c0d0 01 02  03 73696d  05 53494d2d31  05 302e312e30  012c 0400 00000013",
    ),
    (
        StatusRequest(),
        "02",
        StatusResponse(
            list_version=0x01020304,
            used=0x0506,
            clock=ClockState.TRUSTED,
            time=0x65920080,
            battery=87,
            bolt=BoltState.UNLOCKING,
            door=DoorState.CLOSED,
            jammed=True,
        ),
        "02 00  01020304 0506 01 65920080 57 04 02 01",
    ),
    (PingRequest(payload=b"\x00\xff"), "03  02 00ff", PingResponse(payload=b""), "03 00  00"),
    (
        ClockGetRequest(),
        "04",
        ClockGetResponse(state=ClockState.UNTRUSTED, time=1, zone="UTC", rule="UTC0"),
        "04 00  00 00000001  03 555443  04 55544330",
    ),
    (
        ClockSetRequest(time=0x65920080, force=True, zone="UTC", rule="UTC0"),
        "05  65920080 01  03 555443  04 55544330",
        ClockSetResponse(list_version=7),
        "05 00  00000007",
    ),
    (
        PinCreateRequest(operation=0x01020304, entry=LIMITED),
        f"10  01020304  {LIMITED_BYTES}",
        PinCreateResponse(id=0x0506, list_version=0x0708090A),
        "10 00  0506 0708090a",
    ),
    (
        PinGetRequest(id=0x0506),
        "11  0506",
        PinGetResponse(list_version=0x0708090A, entry=ALWAYS),
        f"11 00  0708090a  {ALWAYS_BYTES}",
    ),
    (
        PinUpdateRequest(operation=2, id=3, entry=ALWAYS),
        f"12  00000002 0003  {ALWAYS_BYTES}",
        PinUpdateResponse(list_version=4),
        "12 00  00000004",
    ),
    (PinDeleteRequest(operation=2, id=3), "13  00000002 0003", PinDeleteResponse(list_version=4), "13 00  00000004"),
    (
        PinListRequest(after=0xFFFF, list_version=5),
        "14  ffff 00000005",
        PinListResponse(
            list_version=5,
            more=True,
            pins=(
                PinSummary(id=1, alias="x", enabled=True, schedule=Schedule()),
                PinSummary(id=0xFFFE, alias="Zoë", enabled=False, schedule=SCHEDULE),
            ),
        ),
        f"14 00  00000005 01  02  0001  01 78  01  00000000 00000000 00  fffe  04 5a6fc3ab  00  {SCHEDULE_BYTES}",
    ),
    (PinClearRequest(operation=2), "15  00000002", PinClearResponse(list_version=4), "15 00  00000004"),
    (
        LastOperationRequest(),
        "16",
        LastOperationResponse(operation=9, fingerprint=bytes(range(8)), response=b"\x15\x00\x00\x00\x00\x04"),
        "16 00  00000009  0001020304050607  06 150000000004",
    ),
    (PairCommitRequest(), "20", PairCommitResponse(peer_id=0x01020304), "20 00  01020304"),
    (UnpairRequest(), "21", UnpairResponse(), "21 00"),
    (
        BoltOperateRequest(operation=0x01020304, action=BoltAction.UNLOCK),
        "30  01020304 02",
        BoltOperateResponse(bolt=BoltState.UNLOCKING),
        "30 00  04",
    ),
    (
        AuditReadRequest(after=0x01020304),
        "31  01020304",
        AuditReadResponse(
            first=0x01020305,
            last=0x01020307,
            records=(
                AuditRecord(
                    sequence=0x01020305,
                    time=0x65920080,
                    clock=ClockState.TRUSTED,
                    event=AuditEvent.ENTRY_DENIED,
                    cause=Cause.KEYPAD,
                    detail=Denial.EXPIRED,
                    pin_id=0x0506,
                ),
                AuditRecord(
                    sequence=0x01020306,
                    time=1,
                    clock=ClockState.UNTRUSTED,
                    event=AuditEvent.UNLOCK,
                    cause=Cause.REQUEST,
                    peer_id=0x0708090A,
                ),
            ),
        ),
        "31 00  01020305 01020307  02"
        "  01020305 65920080 01 03 01 06 0506 00000000  01020306 00000001 00 06 02 00 0000 0708090a",
    ),
]
"""One request and one response of every message."""

REFUSALS: list[tuple[Status, Rule | None, str]] = [
    (Status.BUSY, None, "03 01"),
    (Status.FULL, None, "03 02"),
    (Status.EXISTS, None, "03 03"),
    (Status.NOT_FOUND, None, "03 04"),
    (Status.INVALID, Rule.MALFORMED, "03 05 01"),
    (Status.INVALID, Rule.DIGITS_LENGTH, "03 05 02"),
    (Status.INVALID, Rule.DIGITS_DECIMAL, "03 05 03"),
    (Status.INVALID, Rule.DIGITS_VARIETY, "03 05 04"),
    (Status.INVALID, Rule.DIGITS_SEQUENCE, "03 05 05"),
    (Status.INVALID, Rule.ALIAS_LENGTH, "03 05 06"),
    (Status.INVALID, Rule.ALIAS_CONTROL, "03 05 07"),
    (Status.INVALID, Rule.VALIDITY_ORDER, "03 05 08"),
    (Status.INVALID, Rule.WINDOW_COUNT, "03 05 09"),
    (Status.INVALID, Rule.WINDOW_WEEKDAYS, "03 05 0a"),
    (Status.INVALID, Rule.WINDOW_TIMES, "03 05 0b"),
    (Status.INVALID, Rule.CLOCK_TIME, "03 05 0c"),
    (Status.INVALID, Rule.CLOCK_STEP_BACK, "03 05 0d"),
    (Status.INVALID, Rule.ZONE_NAME, "03 05 0e"),
    (Status.INVALID, Rule.ZONE_RULE, "03 05 0f"),
    (Status.STALE, None, "03 06"),
    (Status.CHANGED, None, "03 07"),
    (Status.STORAGE, None, "03 08"),
    (Status.CLOCK_UNTRUSTED, None, "03 09"),
    (Status.DENIED, None, "03 0a"),
    (Status.UNSUPPORTED, None, "03 0b"),
    (Status.CONFLICT, None, "03 0c"),
]
"""Every refusal, here of a ping."""

NUMBERS: dict[type[IntEnum | IntFlag], dict[str, int]] = {
    Kind: {"HELLO_REQUEST": 1, "HELLO_RESPONSE": 2, "HANDSHAKE": 3, "TRANSPORT": 4, "REFUSED": 5},
    Mode: {"PAIR": 1, "SESSION": 2},
    HelloFlag: {"PAIRING_OPEN": 1, "PAIRED": 2},
    ClockState: {"UNTRUSTED": 0, "TRUSTED": 1},
    BoltState: {
        "UNKNOWN": 0,
        "LOCKED": 1,
        "UNLOCKED": 2,
        "LOCKING": 3,
        "UNLOCKING": 4,
        "PULLED": 5,
        "PULLING": 6,
    },
    BoltAction: {"LOCK": 1, "UNLOCK": 2, "PULL": 3},
    DoorState: {"UNKNOWN": 0, "OPEN": 1, "CLOSED": 2},
    Capability: {"SCHEDULE": 1, "CLOCK": 2, "BOLT": 4, "DOOR_CONTACT": 8, "BATTERY_LEVEL": 16, "LATCH": 32},
    Cause: {"NONE": 0, "KEYPAD": 1, "REQUEST": 2, "AUTOMATIC": 3, "BUTTON": 4},
    AuditEvent: {
        "POWER_ON": 1,
        "ENTRY_GRANTED": 2,
        "ENTRY_DENIED": 3,
        "LOCKED_OUT": 4,
        "LOCK": 5,
        "UNLOCK": 6,
        "PULL": 7,
        "JAM": 8,
        "PIN_CREATED": 9,
        "PIN_UPDATED": 10,
        "PIN_DELETED": 11,
        "PINS_CLEARED": 12,
        "PIN_EXPIRED": 13,
        "CLOCK_SET": 14,
        "CLOCK_LOST": 15,
        "BATTERY_LOW": 16,
        "PEER_ADDED": 17,
        "PEER_REMOVED": 18,
        "PAIRING_OPENED": 19,
        "RESET": 20,
    },
    Weekdays: {
        "MONDAY": 1,
        "TUESDAY": 2,
        "WEDNESDAY": 4,
        "THURSDAY": 8,
        "FRIDAY": 16,
        "SATURDAY": 32,
        "SUNDAY": 64,
    },
}
"""The members of every other enumeration."""

HELLO_REQUEST = HelloRequest(lowest=1, highest=1, mode=Mode.SESSION, peer_id=0x01020304)
HELLO_REQUEST_BYTES = "01 01 02 01020304"
HELLO_RESPONSE = HelloResponse(
    chosen=1,
    lowest=1,
    highest=1,
    lock_id=0xA0B0C0D0,
    flags=HelloFlag.PAIRING_OPEN | HelloFlag.PAIRED,
    random=bytes(range(16)),
)
HELLO_RESPONSE_BYTES = "01 01 01 a0b0c0d0 03 000102030405060708090a0b0c0d0e0f"

HELLO_COUNTER = 0x11223344

FRAMES: list[tuple[Frame, str, str]] = [
    (
        Frame(version=0, kind=Kind.HELLO_REQUEST, counter=HELLO_COUNTER, body=bytes.fromhex(HELLO_REQUEST_BYTES)),
        "00 01 11223344 0007",
        "00  01 06 0111223344 0b 070101020102030425f4  00",
    ),
    (
        Frame(version=0, kind=Kind.HELLO_RESPONSE, counter=HELLO_COUNTER, body=bytes.fromhex(HELLO_RESPONSE_BYTES)),
        "00 02 11223344 0018",
        "00  01 06 0211223344 0a 18010101a0b0c0d003 12 0102030405060708090a0b0c0d0e0fe973  00",
    ),
    (
        Frame(version=1, kind=Kind.HANDSHAKE, counter=2, body=b""),
        "01 03 00000002 0000",
        "00  03 0103 01 01 02 02 01 03 c00f  00",
    ),
    (
        Frame(version=1, kind=Kind.TRANSPORT, counter=0x0102FFFF, body=b"\x55" * 260),
        "01 04 0102ffff 0104",
        f"00  ff 01040102ffff0104 {'55' * 246} 11 {'55' * 14} 098e  00",
    ),
    (
        Frame(version=1, kind=Kind.REFUSED, counter=0xFFFFFFFF, body=b""),
        "01 05 ffffffff 0000",
        "00  07 0105ffffffff 01 03 859a  00",
    ),
]
"""A frame of every kind: its header, and all of it as it goes over the line."""

PROLOGUE = (
    b"latchwire 1"
    + bytes.fromhex("00 01 11223344 0007" + HELLO_REQUEST_BYTES)
    + bytes.fromhex("00 02 11223344 0018" + HELLO_RESPONSE_BYTES)
)
PAIRING = [
    "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254 f652f248959588e3847e04b215daf523",
    "675dd574ed7789310b3d2e7681f3790b466c773b1521fecf36577958371ea52f"
    "11e3fff7ef487432e43189c6f97affa80c66d5edfb07ad14f94bb3478dd2b836 a21b0b762c53c622e485b07becff6f03"
    "270b0c96cb848b4a05208f62ec13d69c",
    "47d75dbadcdd3142d659ccfb95199e6f30b2125f31cc94ac206b68a17eacdd04 77bf7546e346bc88e1c354c297de05b1"
    "e4346000347d9edad8a6750844eaf961",
]
"""The messages of a pairing under that prologue with the keys of handshakes.py, derived without our Noise library."""
SESSION = [
    "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254 e401461e66c9f20494d4bd9e2c13c997",
    "675dd574ed7789310b3d2e7681f3790b466c773b1521fecf36577958371ea52f c7a29b8bebfeb95294843a30b0fee4be",
]
"""The same of a session."""
SEALED = [
    ("03 02 00ff", "01 04 00000000 0014", "abe5dadf e2a3a433a2c123cf65f09efb20b5a8d2"),
    ("03 00 02 00ff", "01 04 00000000 0015", "c04282fbbb 15ca2871e50c06cbb8a0120fd9b14248"),
    ("02", "01 04 00000001 0011", "8e f0606b10712192f28db29a8bf72ef411"),
]
"""In that session: a request, its answer and the next request, each with header, ciphertext and tag."""

BRIDGE_ID = 0xEEDD883D
SECRET = bytes(range(16))
LABEL = "0004-1061-050R-3GG2-8A1C-60T3-GFSQ"
PAIRING_KEY = "32814bd31d8a74c037a575f7cfd35d1d39fdf9f75876349119d1563ea69101e9"
"""Of the secret above and the lock of the hello above."""
