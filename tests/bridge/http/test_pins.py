import pytest
from fastapi import Request

from bridge import errors
from bridge.http.keys import idempotency_key
from bridge.http.problems import ApiError
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

from .conftest import Create
from .doubles import PIN_ID, RecordingService

FIRST_EXAMPLE = {
    "alias": "Alias 1",
    "pin": "97531",
    "startDate": None,
    "endDate": None,
    "dayStartTime": None,
    "dayEndTime": None,
    "weekDays": None,
}
SECOND_EXAMPLE = {
    "alias": "Alias 2",
    "pin": "86420",
    "startDate": "2021-05-01T00:00:00.000Z",
    "endDate": "2021-05-31T00:00:00.000Z",
    "dayStartTime": "2021-05-01T08:00:00.000Z",
    "dayEndTime": "2021-05-02T16:00:00.000Z",
    "weekDays": 21,
}


def test_the_first_documented_body_creates_a_pin_that_always_opens(create: Create, service: RecordingService) -> None:
    response = create(FIRST_EXAMPLE)
    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    assert response.text == (f'{{"result":{{"id":{PIN_ID}}},"success":true,"errorMessages":[],"statusCode":201}}')
    assert service.created == [PinEntry(digits="97531", alias="Alias 1")]


def test_the_second_documented_body_is_accepted_although_its_end_has_passed(
    create: Create, service: RecordingService
) -> None:
    assert create(SECOND_EXAMPLE).status_code == 201
    window = Window(weekdays=Weekdays(21), start=600, end=1080)  # 08:00Z to 16:00Z in a summer of Warsaw
    schedule = Schedule(valid_from=1_619_827_200, valid_until=1_622_419_200, windows=(window,))
    assert service.created == [PinEntry(digits="86420", alias="Alias 2", schedule=schedule)]


def test_digits_keep_their_leading_zeros(create: Create, service: RecordingService) -> None:
    assert create(FIRST_EXAMPLE | {"pin": "00731"}).status_code == 201
    assert service.created[0].digits == "00731"


@pytest.mark.parametrize("pin", ["34567", "87654", "11122", "1234", "123456789", "12a45", "", None, 97531])
def test_a_pin_that_breaks_a_rule_is_400_and_never_reaches_the_lock(
    create: Create, service: RecordingService, pin: object
) -> None:
    response = create(FIRST_EXAMPLE | {"pin": pin})
    assert response.status_code == 400
    (message,) = response.json()["errorMessages"]
    assert message.startswith("pin: ")
    assert service.created == []


def test_what_the_operator_must_know_is_in_the_log_alone(
    create: Create, service: RecordingService, caplog: pytest.LogCaptureFixture
) -> None:
    service.failure = errors.Unreachable("There is no port /dev/ttyUSB0.")
    response = create(FIRST_EXAMPLE, headers={"X-Correlation-ID": "call-2"})
    assert "ttyUSB0" not in response.text
    assert "request call-2: Unreachable: There is no port /dev/ttyUSB0." in caplog.text


def test_a_zone_that_the_host_does_not_know_is_428(create: Create, service: RecordingService) -> None:
    service.zone = "Mars/Olympus"
    assert create(SECOND_EXAMPLE).status_code == 428
    assert create(FIRST_EXAMPLE).status_code == 201


def test_a_key_beyond_ascii_is_none() -> None:
    with pytest.raises(ApiError):
        idempotency_key(Request({"type": "http", "headers": [(b"idempotency-key", b"\xe9")]}))


def test_two_keys_are_none() -> None:
    with pytest.raises(ApiError):
        idempotency_key(Request({"type": "http", "headers": [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]}))
