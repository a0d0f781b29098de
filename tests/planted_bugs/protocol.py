"""Bugs in what both sides share: frames, sessions, schedules."""

from .bug import Bug

BUGS = (
    Bug(
        name="CRC not checked",
        file="protocol/framing.py",
        good="if crc16(data) != 0:",
        bad="if crc16(data) != 0 and False:",
        tests=("tests/protocol/test_framing.py",),
    ),
    Bug(
        name="counter not checked",
        file="protocol/session.py",
        good=" or frame.counter != self._expected or",
        bad=" or",
        tests=("tests/protocol/test_session.py",),
    ),
    Bug(
        name="weekday bits shifted by one",
        file="protocol/schedule.py",
        good="Weekdays(1 << weekday)",
        bad="Weekdays(1 << (weekday + 1) % 7)",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="end minute inclusive",
        file="protocol/schedule.py",
        good="window.start <= local.minute < window.end",
        bad="window.start <= local.minute <= window.end",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="start > end never opens",
        file="protocol/schedule.py",
        good="return evening or (_began_yesterday(window, local) and local.minute < window.end)",
        bad="return False and evening",
        tests=("tests/protocol/test_schedule.py",),
    ),
    Bug(
        name="the lock's hello random left out of the prologue",
        file="protocol/session.py",
        good="request.signed() + response.signed()",
        bad="request.signed() + response.signed()[:-16]",
        tests=("tests/protocol/test_session.py", "tests/protocol/test_spec.py"),
    ),
    Bug(
        name="window compared in UTC",
        file="protocol/schedule.py",
        good="divmod(utc_epoch + rule.offset_at(utc_epoch), _SECONDS_A_DAY)",
        bad="divmod(utc_epoch, _SECONDS_A_DAY)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="daylight time ignored",
        file="protocol/posix_tz.py",
        good="if self.daylight is not None and self.daylight.in_force(",
        bad="if self.daylight is not None and False and self.daylight.in_force(",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="hours east of Greenwich taken for hours west",
        file="protocol/posix_tz.py",
        good="return -_seconds(text, _MAX_OFFSET_HOURS)",
        bad="return _seconds(text, _MAX_OFFSET_HOURS)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="the week begins on Sunday",
        file="protocol/schedule.py",
        good="weekday = (day + 3) % 7",
        bad="weekday = (day + 4) % 7",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="daylight time ends by the standard clock",
        file="protocol/posix_tz.py",
        good="self.end.instant(year, self.offset)",
        bad="self.end.instant(year, standard)",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="the night's part behind midnight belongs to the new day",
        file="protocol/schedule.py",
        good="    yesterday = local.weekday_bit >> 1 or Weekdays.SUNDAY\n",
        bad="    yesterday = local.weekday_bit\n",
        tests=("tests/protocol/test_schedule_in_all_zones.py",),
    ),
    Bug(
        name="figures of the generated codec given as the interpreted one's",
        file="tests/benchmarks/simulated.py",
        good="patch.dict(codec._READERS, clear=True)",
        bad="patch.dict(codec._READERS)",
        tests=("tests/benchmarks/test_benchmarks.py",),
    ),
)
