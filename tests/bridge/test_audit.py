"""Audit pages behind a cursor: every record once, every missing number in a gap."""

import pytest

from bridge.audit import AuditReading, Gap, read_page, replaced
from bridge.errors import Refused
from protocol.messages.audit import AuditReadResponse
from protocol.vocabulary import AuditEvent, AuditRecord, ClockState


def record(number: int) -> AuditRecord:
    return AuditRecord(sequence=number, time=0, clock=ClockState.UNTRUSTED, event=AuditEvent.LOCK)


def page(*numbers: int, last: int) -> AuditReadResponse:
    return AuditReadResponse(first=1, last=last, records=tuple(map(record, numbers)))


def reading(*items: int | Gap, cursor: int, complete: bool) -> AuditReading:
    told = tuple(record(item) if isinstance(item, int) else item for item in items)
    return AuditReading(items=told, cursor=cursor, complete=complete)


@pytest.mark.parametrize(
    ("after", "told", "expected"),
    [
        (0, page(1, 2, last=4), reading(1, 2, cursor=2, complete=False)),
        (2, page(3, 4, last=4), reading(3, 4, cursor=4, complete=True)),
        (2, page(5, 6, last=6), reading(Gap(first=3, last=4), 5, 6, cursor=6, complete=True)),
        (4, page(5, 8, last=9), reading(5, Gap(first=6, last=7), 8, cursor=8, complete=False)),
        (2, page(last=2), reading(cursor=2, complete=True)),
        (3, page(last=5), reading(Gap(first=4, last=5), cursor=5, complete=True)),
        (0, page(last=0), reading(cursor=0, complete=True)),
    ],
)
def test_missing_numbers_are_gaps_and_the_cursor_is_behind_all_that_was_told(
    after: int, told: AuditReadResponse, expected: AuditReading
) -> None:
    assert read_page(after, told) == expected


@pytest.mark.parametrize("told", [page(2, last=5), page(1, last=5), page(4, 3, last=5), page(3, 3, last=5)])
def test_a_page_that_does_not_go_on_is_no_reading_for_ever(told: AuditReadResponse) -> None:
    with pytest.raises(Refused):
        read_page(2, told)


def test_a_last_number_below_the_cursor_is_another_flash() -> None:
    assert [replaced(cursor, page(last=7)) for cursor in (6, 7, 8)] == [False, False, True]
