"""One audit page behind a reader's cursor (SPEC 7.16): what is missing is shown, never passed over."""

from dataclasses import dataclass

from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditRecord, Status

from .errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The numbers `first` to `last` were overwritten, or lost to damage, before they were read."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The lock's flash was replaced: what had not been read is lost, and the numbers begin anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReading:
    """Records and gaps in ascending order; `cursor` is behind them, and `complete` where there is no more to read."""

    items: tuple[AuditRecord | Gap, ...]
    cursor: int
    complete: bool


def replaced(after: int, page: AuditReadResponse) -> bool:
    """Whether the lock's flash was replaced since the cursor `after`: the reader starts again with 0."""
    return page.last < after


def read_page(after: int, page: AuditReadResponse) -> AuditReading:
    """Return what `page`, asked for with the cursor `after`, tells; raise Refused where it does not go on."""
    items: list[AuditRecord | Gap] = []
    cursor = after
    for record in page.records:
        if record.sequence <= cursor:
            raise Refused(Status.UNSUPPORTED, None, "The lock's audit does not go on. Update its firmware.")
        if record.sequence > cursor + 1:
            items.append(Gap(first=cursor + 1, last=record.sequence - 1))
        items.append(record)
        cursor = record.sequence
    if not page.records and page.last > cursor:
        items.append(Gap(first=cursor + 1, last=page.last))
        cursor = page.last
    return AuditReading(items=tuple(items), cursor=cursor, complete=cursor >= page.last)
