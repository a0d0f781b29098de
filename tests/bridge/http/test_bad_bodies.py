"""What a body may not be, at each call that has one: 400 with the field and its rule, and the lock is not asked."""

import json

import httpx2
import pytest

from .calls import BODY, CREATE, UPDATE, Call
from .doubles import RecordingService

with_a_body = pytest.mark.parametrize("call", [CREATE, UPDATE], ids=lambda call: call.asks)

FIELDS: dict[str, list[object]] = {
    "alias": ["", "a" * 33, "\u0142" * 16 + "a", "a\tb", "a\x00b", "a\x7fb", "a\x85b", "\ud800", None, 1, ["Anna"]],
    "pin": ["", "9753", "975310864", "12345", "87654", "11122", "9753x", "\u0669\u0667\u0665\u0663\u0661", None, 97531],
    "startDate": [
        "2027-03-02",
        "2027-03-02T08:00:00",
        "2200-01-01T00:00:00Z",
        "2106-02-07T06:28:15.5Z",
        1782892800,
        {},
    ],
    "endDate": ["tomorrow", "2027-03-02T08:00", "1969-12-31T23:59:59Z", "2106-02-07T06:28:16Z", True, []],
    "dayStartTime": ["17:45", "2027-03-02T08:00:00", "2200-01-01T08:00:00Z", 480],
    "dayEndTime": ["18:45", "2027-03-02T24:30:00Z", "2200-01-01T16:00:00Z", 960],
    "weekDays": [0, 128, -1, 1.5, 21.0, "1", "mon", True, [1], 10**400],
    "enabled": ["yes", 1, 0, []],
    "windows": [
        {},
        "mon-fri",
        [[]],
        [None],
        [{"weekDays": 31, "start": "08:00"}],
        [{"weekDays": 31, "start": "08:00", "end": "16:00", "until": "17:00"}],
        [{"weekdays": 31, "start": "08:00", "end": "16:00"}],
        [{"weekDays": 0, "start": "08:00", "end": "16:00"}],
        [{"weekDays": 128, "start": "08:00", "end": "16:00"}],
        [{"weekDays": "1", "start": "08:00", "end": "16:00"}],
        [{"weekDays": 31, "start": "8:00", "end": "16:00"}],
        [{"weekDays": 31, "start": 480, "end": 960}],
        [{"weekDays": 31, "start": "08:00", "end": "16:60"}],
        [{"weekDays": 31, "start": "24:00", "end": "16:00"}],
        [{"weekDays": 31, "start": "08:00", "end": "00:00"}],
        [{"weekDays": 31, "start": "08:00", "end": "24:01"}],
        [{"weekDays": 31, "start": "08:00", "end": "08:00"}],
        [{"weekDays": 31, "start": "08:00", "end": "16:00"}] * 5,
    ],
}


@with_a_body
@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in FIELDS.items() for value in values],
    ids=lambda value: ascii(value)[:40],
)
def test_a_field_that_breaks_a_rule_is_named(
    http: httpx2.Client, service: RecordingService, call: Call, field: str, value: object
) -> None:
    content = json.dumps(BODY | {field: value})
    response = http.request(call.method, call.path, content=content)
    assert response.status_code == 400
    (message,) = response.json()["errorMessages"]
    assert message.startswith(f"{field}: ")
    assert call.asks not in service.calls


@with_a_body
@pytest.mark.parametrize("field", ["alias", "pin"])
def test_a_field_that_is_missing_is_said_to_be(
    http: httpx2.Client, service: RecordingService, call: Call, field: str
) -> None:
    body = {name: value for name, value in BODY.items() if name != field}
    response = http.request(call.method, call.path, json=body)
    assert (response.status_code, response.json()["errorMessages"]) == (400, [f"{field}: is missing."])
    assert call.asks not in service.calls


@with_a_body
def test_dates_the_wrong_way_round_are_named(http: httpx2.Client, service: RecordingService, call: Call) -> None:
    for end in ("2026-07-01T08:00:00Z", "2026-06-30T08:00:00Z"):
        body = BODY | {"startDate": "2026-07-01T08:00:00Z", "endDate": end}
        response = http.request(call.method, call.path, json=body)
        assert response.status_code == 400
        assert response.json()["errorMessages"] == ["startDate, endDate: The validity must begin before it ends."]
    assert call.asks not in service.calls


@with_a_body
def test_windows_that_say_another_thing_than_the_other_fields_are_refused(
    http: httpx2.Client, service: RecordingService, call: Call
) -> None:
    windows = [{"weekDays": 31, "start": "00:00", "end": "24:00"}, {"weekDays": 96, "start": "22:00", "end": "06:00"}]
    for told, days in ((windows, 30), (windows[::-1], 31), ([], 31)):
        response = http.request(call.method, call.path, json=BODY | {"weekDays": days, "windows": told})
        assert response.status_code == 400
        assert response.json()["errorMessages"] == [
            "windows: must begin with the window that dayStartTime, dayEndTime, weekDays describe; or leave these out."
        ]
    assert call.asks not in service.calls
    response = http.request(call.method, call.path, json=BODY | {"weekDays": 31, "windows": windows})
    assert response.status_code in call.done


@with_a_body
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"alias": "Alias 1", "pin": "97531", "pin": "97531"}',
        b'{"alias": "Alias 1", "pin": "97531", "a": {"b": 1, "b": 1}}',
        b'{"alias": "Alias 1", "pin": "97531", "PIN": "97531"}',
        b'{"alias": "Alias 1", "pin": "97531", "a": NaN}',
        b'{"alias": "Alias 1", "pin": "97531", "a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"alias": "Alias 1", "pin": "97531", "a": "' + b"a" * 2**20 + b'"}',
        b'{"alias": "Alias 1", "pin": "97531\xff"}',
    ],
    ids=lambda content: repr(content[:60]),
)
def test_a_body_that_is_no_small_plain_object_is_refused(
    http: httpx2.Client, service: RecordingService, call: Call, content: bytes
) -> None:
    response = http.request(call.method, call.path, content=content)
    assert response.status_code == 400
    assert len(response.json()["errorMessages"]) == 1
    assert "97531" not in response.text
    assert call.asks not in service.calls


@with_a_body
def test_another_type_of_body_is_refused(http: httpx2.Client, service: RecordingService, call: Call) -> None:
    response = call.make(http, **{"Content-Type": "text/plain"})
    assert response.status_code == 400
    assert response.json()["errorMessages"][0].startswith("Content-Type: ")
    assert call.asks not in service.calls
