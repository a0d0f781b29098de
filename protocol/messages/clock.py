"""The lock's clock and zone (SPEC 7.4 and 7.5)."""

from dataclasses import dataclass

from ..fields import U32, Ascii, Bool, Choice
from ..vocabulary import ClockState
from .declaration import Request, Response, declare


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockGetRequest(Request):
    """Ask what time the lock believes it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockGetResponse(Response):
    """The lock's time in epoch seconds UTC, its IANA zone name and that zone's POSIX rule."""

    state: ClockState
    time: int
    zone: str
    rule: str


CLOCK_GET = declare(
    0x04,
    "get_clock",
    "7.4",
    ClockGetRequest,
    [],
    ClockGetResponse,
    ["state" / Choice(ClockState), "time" / U32, "zone" / Ascii, "rule" / Ascii],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSetRequest(Request):
    """Set time, zone and rule; `force` allows a step back of more than five minutes."""

    time: int
    force: bool
    zone: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSetResponse(Response):
    """Done; a new zone or rule has moved the list version."""

    list_version: int


CLOCK_SET = declare(
    0x05,
    "set_clock",
    "7.5",
    ClockSetRequest,
    ["time" / U32, "force" / Bool(), "zone" / Ascii, "rule" / Ascii],
    ClockSetResponse,
    ["list_version" / U32],
)
