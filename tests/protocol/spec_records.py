"""The pins and instants of SPEC.md's examples, and the examples of records and of local time."""

from datetime import UTC, datetime

from protocol.codec import parse
from protocol.messages.records import PIN_ENTRY, PIN_SUMMARY, SCHEDULE, WINDOW
from protocol.posix_tz import parse_tz
from protocol.schedule import LocalTime, local_time
from protocol.vocabulary import PinEntry, PinSummary, Schedule, Weekdays, Window

from .spec_examples import Examples, pieces

WARSAW = "CET-1CEST,M3.5.0,M10.5.0/3"
YEAR_2027, EIGHT_O_CLOCK = 1798758000, 1795420800  # 2027-01-01 00:00 in Warsaw; 2026-11-23 08:00 UTC
NIGHTS = Window(weekdays=Weekdays(31), start=22 * 60, end=6 * 60)
SATURDAY = Window(weekdays=Weekdays.SATURDAY, start=8 * 60, end=12 * 60 + 30)
FORTNIGHT = Schedule(valid_from=YEAR_2027, valid_until=YEAR_2027 + 14 * 86400, windows=(NIGHTS, SATURDAY))
CAFE = PinEntry(digits="86420", alias="Café", schedule=FORTNIGHT)
ANNA, BOB = PinEntry(digits="97531", alias="Anna"), PinEntry(digits="97531", alias="Bob")


def check_records(examples: Examples) -> None:
    pin = PinSummary(id=2, alias="Café", enabled=True, schedule=FORTNIGHT)
    records = {"window": (WINDOW, NIGHTS), "schedule": (SCHEDULE, FORTNIGHT)}
    records |= {"pin_entry": (PIN_ENTRY, CAFE), "pin_summary": (PIN_SUMMARY, pin)}
    for name, (layout, record) in records.items():
        assert examples["records"].fields(name) == pieces(layout, record)
        assert parse(layout, examples["records"][name]) == record


def check_local_time(examples: Examples) -> None:
    example = examples["local_time"]
    rule = parse_tz(example.text("rule"))
    for number in range(1, 6):
        weekday, minute = example.fields(f"local_{number}")
        at = datetime.fromisoformat(example.text(f"at_{number}")).replace(tzinfo=UTC)
        assert example.number(f"utc_{number}") == at.timestamp()
        shown = LocalTime(weekday_bit=Weekdays(weekday[0]), minute=int.from_bytes(minute, "big"))
        assert local_time(example.number(f"utc_{number}"), rule) == shown
