"""Pins: create, get, update, delete, list, clear, and the last operation (SPEC 7.6 to 7.12)."""

from dataclasses import dataclass

from ..fields import U16, U32, Bool, Bytes, Many, Raw
from ..vocabulary import PinEntry, PinSummary
from .declaration import Change, Request, Response, declare
from .records import PIN_ENTRY, PIN_SUMMARY

FINGERPRINT_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PinCreateRequest(Change):
    """Store a pin in a free slot; the lock gives the id."""

    operation: int
    entry: PinEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PinCreateResponse(Response):
    """The pin is durable under `id`."""

    id: int
    list_version: int


PIN_CREATE = declare(
    0x10,
    "create_pin",
    "7.6",
    PinCreateRequest,
    ["operation" / U32, "entry" / PIN_ENTRY],
    PinCreateResponse,
    ["id" / U16, "list_version" / U32],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinGetRequest(Request):
    """Ask for one pin, digits included."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinGetResponse(Response):
    """One pin as stored."""

    list_version: int
    entry: PinEntry


PIN_GET = declare(
    0x11,
    "get_pin",
    "7.7",
    PinGetRequest,
    ["id" / U16],
    PinGetResponse,
    ["list_version" / U32, "entry" / PIN_ENTRY],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinUpdateRequest(Change):
    """Replace everything of one pin but its id."""

    operation: int
    id: int
    entry: PinEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class PinUpdateResponse(Response):
    """The new entry is durable; until then the old one worked."""

    list_version: int


PIN_UPDATE = declare(
    0x12,
    "update_pin",
    "7.8",
    PinUpdateRequest,
    ["operation" / U32, "id" / U16, "entry" / PIN_ENTRY],
    PinUpdateResponse,
    ["list_version" / U32],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinDeleteRequest(Change):
    """Remove one pin."""

    operation: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinDeleteResponse(Response):
    """The pin never opens again."""

    list_version: int


PIN_DELETE = declare(
    0x13,
    "delete_pin",
    "7.9",
    PinDeleteRequest,
    ["operation" / U32, "id" / U16],
    PinDeleteResponse,
    ["list_version" / U32],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinListRequest(Request):
    """Ask for the pins with ids above `after`; `list_version` is that of the first page, 0 to ask for the first."""

    after: int
    list_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinListResponse(Response):
    """A page in ascending order of ids, without digits; `more` says that another follows."""

    list_version: int
    more: bool
    pins: tuple[PinSummary, ...]


PIN_LIST = declare(
    0x14,
    "list_pins",
    "7.10",
    PinListRequest,
    ["after" / U16, "list_version" / U32],
    PinListResponse,
    ["list_version" / U32, "more" / Bool(), "pins" / Many(PIN_SUMMARY)],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinClearRequest(Change):
    """Remove every pin."""

    operation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinClearResponse(Response):
    """No pin opens any more."""

    list_version: int


PIN_CLEAR = declare(
    0x15, "clear_pins", "7.11", PinClearRequest, ["operation" / U32], PinClearResponse, ["list_version" / U32]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastOperationRequest(Request):
    """Ask for the last change that this peer made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastOperationResponse(Response):
    """The operation id (0 = none yet), the fingerprint of its request and its response as sent inside the session."""

    operation: int
    fingerprint: bytes
    response: bytes


LAST_OPERATION = declare(
    0x16,
    "last_operation",
    "7.12",
    LastOperationRequest,
    [],
    LastOperationResponse,
    ["operation" / U32, "fingerprint" / Bytes(FINGERPRINT_SIZE), "response" / Raw],
)
