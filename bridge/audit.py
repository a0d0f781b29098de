"""Audit pages put together behind a reader's cursor (SPEC 7.16): what is missing is shown, never passed over."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReading:
    """Records in ascending order, and each range of numbers that is missing before or between them."""

    records: tuple[AuditRecord, ...]
    gaps: tuple[range, ...]


def replaced(after: int, page: AuditReadResponse) -> bool:
    """Whether the lock's flash was replaced since the cursor `after`: the reader starts again with 0."""
    return page.last < after


def assemble(after: int, pages: Sequence[AuditReadResponse]) -> AuditReading:
    """Return what `pages`, read one after another behind the cursor `after`, tell."""
    records = tuple(record for page in pages for record in page.records)
    ends = [page.last + 1 for page in pages[-1:] if not page.records]  # else what follows is only not read yet
    gaps, expected = [], after + 1
    for number in [*(record.sequence for record in records), *ends]:
        if number > expected:
            gaps.append(range(expected, number))
        expected = number + 1
    return AuditReading(records=records, gaps=tuple(gaps))
