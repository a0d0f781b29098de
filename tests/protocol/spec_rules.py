"""The examples of SPEC.md that break something: bodies, rules of pins and clock, and rules of zones that are none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from protocol.codec import encode_answer, encode_request
from protocol.errors import MalformedError
from protocol.messages.clock import CLOCK_SET, ClockSetRequest
from protocol.messages.declaration import Refusal
from protocol.messages.device import InfoRequest
from protocol.messages.pins import PinCreateRequest, PinGetRequest
from protocol.messages.records import PIN_ENTRY
from protocol.posix_tz import parse_tz
from protocol.vocabulary import PinEntry, Rule, Schedule, Status, Weekdays, Window

from .spec_conversations import ask, ready, tell
from .spec_examples import Examples, pieces
from .spec_records import ANNA, NIGHTS, WARSAW, YEAR_2027

CREATE = encode_request(PinCreateRequest(operation=1, entry=ANNA))
SET = ClockSetRequest(time=1, force=False, zone="UTC", rule="UTC0")
FORCED = encode_request(replace(SET, force=True))
MALFORMED = [
    encode_request(InfoRequest()) + b"\0",
    encode_request(PinGetRequest(id=1))[:-1],
    FORCED[:5] + b"\2" + FORCED[6:],
    CREATE.replace(b"97531", b"9753\x80"),
    CREATE.replace(b"\4Anna", b"\2\xc1\xa1"),
    CREATE.replace(b"\4Anna", b"\3\xed\xa0\x80"),
    CREATE[:-1] + b"\1",
]


def _opens(*windows: Window, since: int = 0, until: int = 0) -> PinEntry:
    return replace(ANNA, schedule=Schedule(valid_from=since, valid_until=until, windows=windows))


def _window(weekdays: int, start: int, end: int) -> Window:
    return Window(weekdays=Weekdays(weekdays), start=start, end=end)


BROKEN: dict[str, PinEntry | ClockSetRequest] = {
    "DIGITS_DECIMAL_1": replace(ANNA, digits="9753A"),
    "DIGITS_DECIMAL_2": replace(ANNA, digits="97#"),
    "DIGITS_LENGTH_1": replace(ANNA, digits=""),
    "DIGITS_LENGTH_2": replace(ANNA, digits="1111"),
    "DIGITS_LENGTH_3": replace(ANNA, digits="123456789"),
    "DIGITS_VARIETY": replace(ANNA, digits="11221"),
    "DIGITS_SEQUENCE": replace(ANNA, digits="98765"),
    "ALIAS_LENGTH_1": replace(ANNA, alias=""),
    "ALIAS_LENGTH_2": replace(ANNA, alias=16 * "é" + "\n"),
    "ALIAS_CONTROL_1": replace(ANNA, alias="A\tB"),
    "ALIAS_CONTROL_2": replace(ANNA, alias="\x85"),
    "VALIDITY_ORDER_1": _opens(since=YEAR_2027, until=YEAR_2027),
    "VALIDITY_ORDER_2": _opens(_window(0, 480, 480), since=YEAR_2027, until=1),
    "WINDOW_COUNT": _opens(NIGHTS, NIGHTS, NIGHTS, NIGHTS, NIGHTS),
    "WINDOW_WEEKDAYS_1": _opens(_window(0, 480, 480)),
    "WINDOW_WEEKDAYS_2": _opens(_window(128, 480, 720)),
    "WINDOW_TIMES_1": _opens(_window(31, 480, 480), _window(0, 480, 720)),
    "WINDOW_TIMES_2": _opens(_window(31, 480, 0)),
    "WINDOW_TIMES_3": _opens(_window(31, 480, 1441)),
    "WINDOW_TIMES_4": _opens(_window(31, 1440, 480)),
    "CLOCK_TIME": replace(SET, time=0, zone=""),
    "ZONE_NAME_1": replace(SET, zone="", rule="UTC"),
    "ZONE_NAME_2": replace(SET, zone="UT\x7f"),
    "ZONE_RULE": replace(SET, rule="UTC"),
}
"""What breaks the rule that it is named after, and often a later one too."""

KEPT = [
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-04-04 16:00:00", 36000),
    ("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-10-03 16:00:00", 39600),
    ("AAA3BBB,J60/0,J300", "2028-03-01 03:00:00", -7200),
    ("AAA3BBB,59/0,300", "2028-02-29 03:00:00", -7200),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 01:00:00", -3600),
    ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27 00:00:00", 10800),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04 15:00:00", 37800),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25 01:00:00", 0),
    ("<+0545>-5:45", "2026-01-01 00:00:00", 20700),
    ("EST5EDT,0/0,J365/25", "2026-01-01 05:00:00", -14400),
]
"""Rules, and the first second of an offset each; the last two have one offset alone."""
STEADY = 2

REFUSED = [
    "",
    "CET",
    "CE-1",
    "<CE>-1",
    "CET-1 ",
    "CET-25",
    "CET-1:60",
    "CET-1:5",
    "CET-1CEST",
    "CET-1CEST,M3.5.0",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M3.0.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,J0,J300",
    "CET-1CEST,60,366",
    "CET-1CEST,M3.5.0/168,M10.5.0",
    WARSAW + ",M1.1.0",
    "<" + 63 * "A" + ">-1",
]


def check_malformed(examples: Examples) -> None:
    example, answers = examples["malformed"], Refusal(status=Status.INVALID, rule=Rule.MALFORMED)
    assert [example[request] for request, _ in example.exchanges()] == MALFORMED
    for request, answer in example.exchanges():
        assert example[answer] == encode_answer(example[request][0], answers)
    lock, session = ready(examples, slots=1)
    tell(lock, example, session)


def check_rules(examples: Examples) -> None:
    """Each value is a PinEntry, or a `set_clock` without its opcode; its name is the rule."""
    lock, session = ready(examples, slots=1)
    assert list(examples["rules"].values) == list(BROKEN)
    for name, broken in BROKEN.items():
        request = PinCreateRequest(operation=1, entry=broken) if isinstance(broken, PinEntry) else broken
        layout = PIN_ENTRY if isinstance(broken, PinEntry) else CLOCK_SET.request_layout
        assert examples["rules"].fields(name) == pieces(layout, broken)
        body, rule = encode_request(request), Rule[name.rstrip("_1234")]
        assert ask(lock, session, body) == encode_answer(body[0], Refusal(status=Status.INVALID, rule=rule))


def check_zones(examples: Examples) -> None:
    example = examples["zones"]
    refused = [example.text(name) for name in example.values if name.startswith("refused_")]
    assert refused == REFUSED
    for text in refused:
        with pytest.raises(MalformedError):
            parse_tz(text)
    assert len(example.values) == 3 * len(KEPT) + len(REFUSED)
    for number, (text, at, offset) in enumerate(KEPT, start=1):
        utc, rule = example.number(f"utc_{number}"), parse_tz(text)
        assert example.text(f"rule_{number}") == text
        assert example.text(f"offset_{number}") == f"{offset:+}"
        assert utc == datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        assert rule.offset_at(utc) == offset
        assert (rule.offset_at(utc - 1) == offset) is (number > len(KEPT) - STEADY)
