"""The sentence that says why a pin opens or not."""

import pytest

from firmware_sim.explain import explain
from protocol.posix_tz import parse_tz
from protocol.vocabulary import EVERY_DAY, Denial, Schedule, Weekdays, Window

SATURDAY = 1795852800  # 2026-11-28 09:00 in Warsaw
NOW = "; at the lock it is Saturday 2026-11-28 09:00 (Europe/Warsaw)"
OFFICE = Window(weekdays=Weekdays(31), start=480, end=960)
ENDS = Window(weekdays=Weekdays.MONDAY | Weekdays.SUNDAY, start=0, end=1440)
DAILY = Window(weekdays=EVERY_DAY, start=1320, end=360)


@pytest.mark.parametrize(
    ("schedule", "denial", "sentence"),
    [
        (Schedule(), None, "pin 3 opens at any time"),
        (Schedule(), Denial.DISABLED, "pin 3 is disabled"),
        (Schedule(windows=(OFFICE,)), Denial.WRONG_WEEKDAY, f"pin 3 opens Mon–Fri 08:00–16:00{NOW}"),
        (
            Schedule(windows=(ENDS, DAILY)),
            Denial.OUTSIDE_WINDOW,
            f"pin 3 opens Mon, Sun 00:00–24:00 and every day 22:00–06:00{NOW}",
        ),
        (
            Schedule(valid_from=SATURDAY + 60),
            Denial.NOT_YET_VALID,
            f"pin 3 is valid from Saturday 2026-11-28 09:01{NOW}",
        ),
        (Schedule(valid_until=SATURDAY), Denial.EXPIRED, f"pin 3 was valid until Saturday 2026-11-28 09:00{NOW}"),
        (
            Schedule(valid_from=SATURDAY, valid_until=SATURDAY + 60),
            None,
            f"pin 3 is valid from Saturday 2026-11-28 09:00 until Saturday 2026-11-28 09:01{NOW}",
        ),
        (
            Schedule(valid_from=1),
            Denial.CLOCK_UNTRUSTED,
            "pin 3 is limited in time, and the lock does not trust its clock",
        ),
    ],
)
def test_a_sentence_names_the_rule_and_the_local_time(schedule: Schedule, denial: Denial | None, sentence: str) -> None:
    rule = parse_tz("CET-1CEST,M3.5.0,M10.5.0/3")
    assert explain(3, schedule, denial, epoch=SATURDAY, rule=rule, zone="Europe/Warsaw") == sentence
