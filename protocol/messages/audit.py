"""Reading what happened at the lock (SPEC 7.16)."""

from dataclasses import dataclass

from ..fields import U32, Many
from ..vocabulary import AuditRecord
from .declaration import Request, Response, declare
from .records import AUDIT_RECORD


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReadRequest(Request):
    """Ask for the records behind the sequence number `after`, which is the reader's own cursor; 0 asks for all."""

    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReadResponse(Response):
    """A page in ascending order; `first` and `last` are the oldest and the newest that the lock keeps."""

    first: int
    last: int
    records: tuple[AuditRecord, ...]


AUDIT_READ = declare(
    0x31,
    "read_audit",
    "7.16",
    AuditReadRequest,
    ["after" / U32],
    AuditReadResponse,
    ["first" / U32, "last" / U32, "records" / Many(AUDIT_RECORD)],
)
