"""Schedules and instants that tell right from wrong: around clock changes, and at every limit to the second."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from protocol.schedule import check_schedule, judge
from protocol.vocabulary import MAX_WINDOWS, Denial, Schedule, Weekdays, Window
from tests.protocol.schedule_oracle import expected_denial
from tests.protocol.zones import DAY, Zone, edges, epoch

LAST_YEAR = 2105
_NEAR = (0, 1, 59, 60, 61, 1799, 1800, 3599, 3600, 3601, 7200, DAY - 1, DAY, DAY + 1, 7 * DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One entry at the keypad of a lock in `zone`."""

    zone: Zone
    schedule: Schedule
    now: int
    trusted: bool = True

    @property
    def decided(self) -> Denial | None:
        """What the project says."""
        return judge(self.schedule, now=self.now, trusted=self.trusted, rule=self.zone.rule)

    @property
    def expected(self) -> Denial | None:
        """What the calendar says."""
        return expected_denial(self.schedule, self.now, self.zone.info, trusted=self.trusted)

    def __str__(self) -> str:
        shown = datetime.fromtimestamp(self.now, self.zone.info).isoformat()
        return f"{self.zone.name} {self.zone.text} at {shown} ({self.now}, trusted: {self.trusted}): {self.schedule}"


def samples(zone: Zone, chance: Random, count: int) -> Iterator[Sample]:
    """Draw `count` samples from the years that the zone's rule governs."""
    first = datetime.fromtimestamp(zone.governed_from, UTC).year + 1
    for _ in range(count):
        year = chance.randint(max(first, 2027), LAST_YEAR)
        middle = chance.choice(edges(zone, year) or (epoch(f"{year}-01-01") + chance.randrange(365 * DAY),))
        near = middle + chance.choice((-1, 1)) * chance.choice(_NEAR)
        windows = tuple(_window(zone, near, chance) for _ in range(chance.randint(0, MAX_WINDOWS)))
        now = _instant(zone, near, windows, chance)
        yield Sample(zone=zone, schedule=_schedule(now, windows, chance), now=now, trusted=chance.random() > 0.05)


def _window(zone: Zone, near: int, chance: Random) -> Window:
    """Return a window whose limits are mostly those of the day, or close to what the wall clock shows around then."""
    wall = datetime.fromtimestamp(near, zone.info)
    minute = wall.hour * 60 + wall.minute
    limits = [0, 1, 120, 180, 1439, *(minute + chance.choice((-60, -30, -1, 0, 1, 30, 60)) for _ in range(4))]
    start, end = (limit % 1440 for limit in chance.sample([*limits, chance.randrange(1440)], 2))
    if end in (0, start):
        end = 1440
    return Window(weekdays=Weekdays(chance.randint(1, 127)), start=start, end=end)


def _instant(zone: Zone, near: int, windows: tuple[Window, ...], chance: Random) -> int:
    """Return `near`, or a second at the start or the end of a window that day, told by either of its wall clocks."""
    if not windows or chance.random() < 0.5:
        return near
    window = chance.choice(windows)
    midnight = datetime.fromtimestamp(near, zone.info).replace(hour=0, minute=0, second=0, fold=0, tzinfo=None)
    wall = midnight + timedelta(minutes=chance.choice((window.start, window.end)))
    limit = wall.replace(tzinfo=zone.info, fold=chance.randint(0, 1))
    return int(limit.timestamp()) + chance.choice((-1, 0, 1))


def _schedule(now: int, windows: tuple[Window, ...], chance: Random) -> Schedule:
    begin, end = (chance.choice((0, 0, now - DAY, now - 1, now, now + 1, now + DAY)) for _ in range(2))
    schedule = Schedule(valid_from=begin, valid_until=end, windows=windows)
    return schedule if check_schedule(schedule) is None else Schedule(windows=windows)
