import httpx2
import pytest

from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

from .calls import GET, LIST, PINS
from .doubles import LIST_VERSION, PIN_ID, READER, RecordingService

LIMITED = PinEntry(
    digits="00731",
    alias="Café",
    schedule=Schedule(
        valid_from=1_619_827_200,
        valid_until=1_622_419_200,
        windows=(
            Window(weekdays=Weekdays(21), start=600, end=1080),
            Window(weekdays=Weekdays(96), start=1320, end=360),
        ),
    ),
)


def test_the_list_has_ids_and_aliases_and_its_version(http: httpx2.Client, service: RecordingService) -> None:
    response = LIST.make(http)
    assert response.status_code == 200
    assert response.json() == {
        "result": {"listVersion": LIST_VERSION, "pins": [{"id": PIN_ID, "alias": "Alias 1"}]},
        "success": True,
        "errorMessages": [],
        "statusCode": 200,
    }
    assert service.calls == ["authenticate", "lock", "list_pins"]


def test_a_list_that_is_known_is_304_without_a_body_and_without_listing(
    http: httpx2.Client, service: RecordingService
) -> None:
    response = http.get(PINS, params={"listVersion": LIST_VERSION})
    assert (response.status_code, response.content) == (304, b"")
    assert service.calls == ["authenticate", "lock", "status"]


@pytest.mark.parametrize("known", [0, LIST_VERSION - 1, LIST_VERSION + 1, 0xFFFF_FFFF])
def test_another_list_than_the_known_is_told(http: httpx2.Client, service: RecordingService, known: int) -> None:
    response = http.get(PINS, params={"listVersion": known})
    assert response.json()["result"]["listVersion"] == LIST_VERSION
    assert service.calls == ["authenticate", "lock", "status", "list_pins"]


def test_an_empty_list_version_is_none(http: httpx2.Client, service: RecordingService) -> None:
    assert http.get(f"{PINS}?listVersion=").status_code == 200
    assert "status" not in service.calls


@pytest.mark.parametrize(
    "query", ["listVersion=-1", "listVersion=4294967296", "listVersion=1.0", "listVersion=x", "listVersion=07",
              "listVersion=%D9%A7", "listVersion=7&listVersion=7", f"listVersion={'9' * 5000}"],
)  # fmt: skip
def test_a_list_version_that_is_none_is_400_and_asks_nothing(
    http: httpx2.Client, service: RecordingService, query: str
) -> None:
    response = http.get(f"{PINS}?{query}")
    assert response.status_code == 400
    assert response.json()["errorMessages"] == ["listVersion: must be one whole number from 0 to 4294967295."]
    assert service.calls == ["authenticate", "lock"]


def test_a_pin_that_always_opens_has_nulls_where_nothing_is_set(http: httpx2.Client) -> None:
    response = GET.make(http)
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.json()["result"] == {
        "id": PIN_ID,
        "alias": "Alias 1",
        "pin": "97531",
        "startDate": None,
        "endDate": None,
        "dayStartTime": None,
        "dayEndTime": None,
        "weekDays": None,
        "enabled": True,
        "windows": [],
    }


def test_a_limited_pin_has_all_windows_and_the_first_in_the_fields_of_the_vendor(
    http: httpx2.Client, service: RecordingService
) -> None:
    service.held = LIMITED
    assert GET.make(http).json()["result"] == {
        "id": PIN_ID,
        "alias": "Café",
        "pin": "00731",
        "startDate": "2021-05-01T00:00:00Z",
        "endDate": "2021-05-31T00:00:00Z",
        "dayStartTime": "2021-05-01T08:00:00Z",
        "dayEndTime": "2021-05-01T16:00:00Z",
        "weekDays": 21,
        "enabled": True,
        "windows": [
            {"weekDays": 21, "start": "10:00", "end": "18:00"},
            {"weekDays": 96, "start": "22:00", "end": "06:00"},
        ],
    }


def test_a_token_that_may_only_read_sees_no_digits(http: httpx2.Client) -> None:
    response = GET.make(http, Authorization=f"Bearer {READER}")
    assert response.json()["result"]["pin"] is None
    assert "97531" not in response.text


def test_the_digits_that_are_told_are_not_logged(http: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    assert "97531" in GET.make(http).text
    assert caplog.records
    assert "97531" not in caplog.text


def test_a_zone_that_the_host_does_not_know_is_428_where_a_daily_time_needs_it(
    http: httpx2.Client, service: RecordingService
) -> None:
    service.zone = "Mars/Olympus"
    assert GET.make(http).status_code == 200
    service.held = LIMITED
    assert GET.make(http).status_code == 428
