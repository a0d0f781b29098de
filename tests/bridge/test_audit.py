"""Audit pages behind a cursor: every record once, every missing number in a gap."""

import pytest

from bridge.audit import assemble, replaced
from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditEvent, AuditRecord, ClockState


def page(*numbers: int, last: int) -> AuditReadResponse:
    records = (
        AuditRecord(sequence=number, time=0, clock=ClockState.UNTRUSTED, event=AuditEvent.LOCK) for number in numbers
    )
    return AuditReadResponse(first=1, last=last, records=tuple(records))


@pytest.mark.parametrize(
    ("after", "pages", "gaps"),
    [
        (0, [page(1, 2, last=4), page(3, 4, last=4)], []),
        (2, [page(5, 6, last=9), page(8, 9, last=9)], [range(3, 5), range(7, 8)]),
        (2, [page(last=2)], []),
        (2, [page(3, last=5), page(last=5)], [range(4, 6)]),
    ],
)
def test_missing_numbers_are_gaps(after: int, pages: list[AuditReadResponse], gaps: list[range]) -> None:
    reading = assemble(after, pages)
    assert list(reading.gaps) == gaps
    assert list(reading.records) == [record for one in pages for record in one.records]


def test_a_last_number_below_the_cursor_is_another_flash() -> None:
    assert [replaced(cursor, page(last=7)) for cursor in (6, 7, 8)] == [False, False, True]
