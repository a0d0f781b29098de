"""What happened at a lock, over HTTP: pages by date, the API's event numbers, gaps that show."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.activity import ActivityEntry, Item
from bridge.audit import Gap, Replaced
from bridge.errors import DamagedState
from bridge.http.activity import read_date
from bridge.http.lock_views import date_text, event_number
from bridge.http.problems import ApiError
from bridge.records import Scope
from protocol.vocabulary import AuditEvent, AuditRecord, Cause, ClockState, Denial

from .doubles import LOCK
from .lock_doubles import NOW, Calls

TOKEN = Scope.DEVICE_ACTIVITY_READ


@pytest.fixture(scope="module")
def all_calls() -> Calls:
    return Calls()


@pytest.fixture
def call(all_calls: Calls) -> Calls:
    all_calls.service.reset()
    return all_calls


def record(event: AuditEvent, cause: Cause = Cause.NONE, *, detail: int = 0, pin_id: int = 0) -> AuditRecord:
    return AuditRecord(
        sequence=40, time=1, clock=ClockState.TRUSTED, event=event, cause=cause, detail=detail, pin_id=pin_id
    )


def told(call: Calls, item: Item) -> dict[str, object]:
    """Return what the API tells of one item."""
    call.service.entries = (ActivityEntry(id=17, lock_id=LOCK, date=NOW, item=item),)
    (one,) = call("GET", f"/deviceactivity?deviceId={LOCK}", token=TOKEN).json()["result"]
    return dict(one)


def test_an_entry_has_the_apis_fields_and_what_the_lock_told_beside_them(call: Calls) -> None:
    assert told(call, record(AuditEvent.ENTRY_GRANTED, Cause.KEYPAD, pin_id=3)) == {
        "id": 17,
        "deviceId": LOCK,
        "userId": None,
        "username": None,
        "source": 0,
        "date": "2026-11-23T09:30:00.250Z",
        "event": 0x3D,
        "eventName": "ENTRY_GRANTED",
        "cause": "KEYPAD",
        "denial": None,
        "pinId": 3,
        "peerId": None,
        "clockTrusted": True,
        "detail": 0,
        "missing": 0,
    }


def test_a_record_of_a_clock_without_trust_says_so(call: Calls) -> None:
    untrusted = AuditRecord(
        sequence=1, time=0, clock=ClockState.UNTRUSTED, event=AuditEvent.LOCK, cause=Cause.REQUEST, peer_id=0xFFFFFFFF
    )
    assert (told(call, untrusted)["clockTrusted"], told(call, untrusted)["peerId"]) == (False, 0xFFFFFFFF)


def test_a_gap_tells_how_much_is_missing_and_another_flash_that_nobody_knows(call: Calls) -> None:
    gap, replaced = told(call, Gap(first=3, last=14)), told(call, Replaced())
    assert (gap["event"], gap["eventName"], gap["missing"]) == (1000, "GAP", 12)
    assert replaced == {**gap, "missing": None}
    assert set(gap) == set(told(call, record(AuditEvent.LOCK)))


def test_why_an_entry_was_denied_is_told_where_it_is_known(call: Calls) -> None:
    assert told(call, record(AuditEvent.ENTRY_DENIED, Cause.KEYPAD, detail=Denial.EXPIRED))["denial"] == "EXPIRED"
    assert told(call, record(AuditEvent.ENTRY_DENIED, Cause.KEYPAD, detail=200))["denial"] is None
    assert told(call, record(AuditEvent.BATTERY_LOW, detail=5))["denial"] is None


@pytest.mark.parametrize(
    ("event", "cause", "number"),
    [
        (AuditEvent.LOCK, Cause.REQUEST, 0x20),
        (AuditEvent.UNLOCK, Cause.REQUEST, 0x21),
        (AuditEvent.LOCK, Cause.BUTTON, 0x22),
        (AuditEvent.UNLOCK, Cause.BUTTON, 0x23),
        (AuditEvent.LOCK, Cause.AUTOMATIC, 0x24),
        (AuditEvent.UNLOCK, Cause.AUTOMATIC, 0x25),
        (AuditEvent.LOCK, Cause.NONE, 0x26),
        (AuditEvent.UNLOCK, Cause.NONE, 0x27),
        (AuditEvent.JAM, Cause.REQUEST, 0x28),
        (AuditEvent.POWER_ON, Cause.NONE, 0x2A),
        (AuditEvent.PULL, Cause.REQUEST, 0x33),
        (AuditEvent.ENTRY_GRANTED, Cause.KEYPAD, 0x3D),
        (AuditEvent.ENTRY_DENIED, Cause.KEYPAD, 0x3E),
        (AuditEvent.LOCK, Cause.KEYPAD, 0x42),
        (AuditEvent.PULL, Cause.BUTTON, 1007),
        (AuditEvent.PIN_CREATED, Cause.REQUEST, 1009),
        (AuditEvent.RESET, Cause.BUTTON, 1020),
    ],
)
def test_events_have_the_numbers_that_the_api_documents(event: AuditEvent, cause: Cause, number: int) -> None:
    assert event_number(record(event, cause)) == number


def test_a_lock_at_the_keypad_tells_whether_a_pin_was_typed() -> None:
    assert event_number(record(AuditEvent.LOCK, Cause.KEYPAD, pin_id=3)) == 0x41


def test_no_number_of_ours_is_one_that_the_api_has_or_may_come_to_have() -> None:
    numbers = {event_number(record(event, cause)) for event in AuditEvent for cause in Cause}
    assert all(0x20 <= number <= 0x42 or number > 1000 for number in numbers)


@pytest.mark.parametrize(
    ("query", "count", "before"),
    [
        ("", 200, None),
        ("&elements=1", 1, None),
        ("&elements=200", 200, None),
        ("&lastElemDate=2026-11-23T09:30:00.250Z", 200, NOW),
        ("&lastElemDate=2026-11-23T09:30:00.250", 200, NOW),
        ("&lastElemDate=2026-11-23T10:30:00.25%2B01:00", 200, NOW),
        ("&elements=3&lastElemDate=2026-11-23t09:30:00.250z", 3, NOW),
    ],
)
def test_how_many_and_what_is_older_than_a_date_is_asked_for(
    call: Calls, query: str, count: int, before: datetime | None
) -> None:
    assert call("GET", f"/deviceactivity?deviceId={LOCK}{query}", token=TOKEN).status_code == 200
    assert call.service.asked == [(LOCK, count, before)]


NO_NUMBER = "must be a whole number such as 20."
NO_DATE = "must be a date and time such as 2026-07-01T08:00:00.000Z."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "deviceId: is missing."),
        ("?deviceId=front", f"deviceId: {NO_NUMBER}"),
        (f"?deviceId={LOCK}&elements=0", "elements: must be at least 1."),
        (f"?deviceId={LOCK}&elements=201", "elements: must be at most 200."),
        (f"?deviceId={LOCK}&elements=-1", "elements: must be at least 1."),
        (f"?deviceId={LOCK}&elements=many", f"elements: {NO_NUMBER}"),
        (f"?deviceId={LOCK}&elements=20.0", f"elements: {NO_NUMBER}"),
        (f"?deviceId={LOCK}&elements=", f"elements: {NO_NUMBER}"),
        (f"?deviceId={LOCK}.0", f"deviceId: {NO_NUMBER}"),
        (f"?deviceId=0{LOCK}", f"deviceId: {NO_NUMBER}"),
        (f"?deviceId={'9' * 5000}", f"deviceId: {NO_NUMBER}"),
        (f"?deviceId={LOCK}&lastElemDate=yesterday", f"lastElemDate: {NO_DATE}"),
        (f"?deviceId={LOCK}&lastElemDate=", f"lastElemDate: {NO_DATE}"),
        (f"?deviceId={LOCK}&lastElemDate=2026-13-01T00:00:00Z", f"lastElemDate: {NO_DATE}"),
        (f"?deviceId={LOCK}&lastElemDate=%00", f"lastElemDate: {NO_DATE}"),
    ],
    ids=lambda text: text[:40],
)
def test_a_parameter_that_is_missing_or_none_is_400_and_named(call: Calls, query: str, message: str) -> None:
    answer = call("GET", f"/deviceactivity{query}", token=TOKEN)
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, [message])
    assert call.service.asked == []


def test_each_parameter_that_is_none_is_named(call: Calls) -> None:
    answer = call("GET", "/deviceactivity?elements=0", token=TOKEN)
    assert answer.json()["errorMessages"] == ["deviceId: is missing.", "elements: must be at least 1."]


@pytest.mark.parametrize("lock", [124, 125, 999, 10**30, -1])
def test_activity_of_a_lock_that_is_not_granted_is_403(call: Calls, lock: int) -> None:
    assert call("GET", f"/deviceactivity?deviceId={lock}", token=TOKEN).status_code == 403
    assert call.service.asked == []


def test_a_registry_that_fails_is_500_in_the_envelope(call: Calls) -> None:
    call.service.failure = DamagedState("/var/lib/latchwire.db")
    answer = call("GET", f"/deviceactivity?deviceId={LOCK}", token=TOKEN)
    assert (answer.status_code, answer.json()["success"]) == (500, False)
    assert "/var/lib" not in answer.text


@given(st.text())
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    with suppress(ApiError):
        assert read_date(text).utcoffset() == timedelta(0)


@given(
    st.datetimes(),
    st.integers(min_value=-1439, max_value=1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_every_instant_with_an_offset_is_read(wall: datetime, zone: timezone) -> None:
    instant = read_date(wall.replace(tzinfo=zone).isoformat())
    assert instant.tzinfo is UTC
    if 1 < wall.year < 9999:
        assert instant == wall.replace(tzinfo=zone)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_an_instant_beyond_the_years_that_there_are_is_the_first_or_the_last(text: str) -> None:
    assert read_date(text) == datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_date_that_was_told_is_read_as_the_same(instant: datetime) -> None:
    in_milliseconds = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert read_date(date_text(in_milliseconds)) == in_milliseconds
