"""The pins that the benchmarks send; each has other digits, for a lock takes the same ones only once."""

from collections.abc import Iterator
from itertools import count

from protocol.messages.pins import PinCreateRequest
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

_SCHEDULE = Schedule(
    valid_from=1_782_892_800,
    valid_until=1_785_571_200,
    windows=(Window(weekdays=Weekdays(31), start=8 * 60, end=16 * 60),),
)


def entries() -> Iterator[PinEntry]:
    """Yield pins with alias, dates, weekdays and times."""
    for digits in all_digits():
        yield PinEntry(digits=digits, alias="Cleaning on weekdays", schedule=_SCHEDULE)


def all_digits() -> Iterator[str]:
    """Yield digits that keep the rules of pins."""
    for number in count():
        yield f"24{number:06}"


REQUEST = PinCreateRequest(operation=1, entry=next(entries()))
