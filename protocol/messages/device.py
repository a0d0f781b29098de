"""What a lock tells of itself: info, status and ping (SPEC 7.1 to 7.3)."""

from dataclasses import dataclass

from ..fields import U8, U16, U32, Ascii, Bool, Choice, Flags, Raw
from ..vocabulary import BoltState, Capability, ClockState, DoorState
from .declaration import Request, Response, declare


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoRequest(Request):
    """Ask what the lock is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoResponse(Response):
    """What the lock is: facts that change only with its firmware. `max_frame` in bytes, `capacity` in slots."""

    lock_id: int
    min_version: int
    max_version: int
    model: str
    serial: str
    firmware_version: str
    capacity: int
    max_frame: int
    capabilities: Capability


INFO = declare(
    0x01,
    "info",
    "7.1",
    InfoRequest,
    [],
    InfoResponse,
    [
        "lock_id" / U32,
        "min_version" / U8,
        "max_version" / U8,
        "model" / Ascii,
        "serial" / Ascii,
        "firmware_version" / Ascii,
        "capacity" / U16,
        "max_frame" / U16,
        "capabilities" / Flags(U32, Capability),
    ],
)

UNKNOWN_BATTERY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest(Request):
    """Ask how the lock is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusResponse(Response):
    """How the lock is now. `used` slots, `time` in epoch seconds UTC, `battery` in percent or UNKNOWN_BATTERY."""

    list_version: int
    used: int
    clock: ClockState
    time: int
    battery: int
    bolt: BoltState
    door: DoorState
    jammed: bool


STATUS = declare(
    0x02,
    "status",
    "7.2",
    StatusRequest,
    [],
    StatusResponse,
    [
        "list_version" / U32,
        "used" / U16,
        "clock" / Choice(ClockState),
        "time" / U32,
        "battery" / U8,
        "bolt" / Choice(BoltState),
        "door" / Choice(DoorState),
        "jammed" / Bool(),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PingRequest(Request):
    """Ask for `payload` back."""

    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PingResponse(Response):
    """The payload of the request."""

    payload: bytes


PING = declare(0x03, "ping", "7.3", PingRequest, ["payload" / Raw], PingResponse, ["payload" / Raw])
