import httpx2
import pytest
from fastapi import Request

from bridge import errors
from bridge.http.keys import idempotency_key
from bridge.http.problems import ApiError
from bridge.journal import Caller
from protocol.pin_rules import sentence
from protocol.vocabulary import PinEntry, Rule, Schedule, Status, Weekdays, Window

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


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (errors.RuleBroken(Rule.DIGITS_LENGTH, ""), 400),
        (errors.Refused(Status.INVALID, Rule.DIGITS_LENGTH, ""), 400),
        (errors.NotRegistered(), 403),
        (errors.Refused(Status.EXISTS, None, ""), 406),
        (errors.Unreachable(), 408),
        (errors.LinkLost(), 408),
        (errors.AckTimeout(), 408),
        (errors.LockBusy(), 409),
        (errors.LockHeld(), 409),
        (errors.Refused(Status.BUSY, None, ""), 409),
        (errors.Refused(Status.FULL, None, ""), 422),
        (errors.NotPaired(), 428),
        (errors.UnsafeState(), 500),
        (errors.Refused(Status.STORAGE, None, ""), 502),
    ],
    ids=repr,
)
def test_a_failure_of_the_service_is_answered_in_the_envelope(
    create: Create, service: RecordingService, failure: errors.BridgeError, status: int
) -> None:
    service.failure = failure
    response = create(FIRST_EXAMPLE)
    envelope = response.json()
    assert response.status_code == envelope["statusCode"] == status
    assert (envelope["result"], envelope["success"]) == (None, False)
    assert len(envelope["errorMessages"]) == 1
    assert response.headers.get("Retry-After") == ("1" if status == 409 else None)


def test_a_rule_that_the_lock_judges_is_told_in_its_sentence(create: Create, service: RecordingService) -> None:
    service.failure = errors.Refused(Status.INVALID, Rule.WINDOW_COUNT, "")
    assert create(FIRST_EXAMPLE).json()["errorMessages"] == [sentence(Rule.WINDOW_COUNT)]


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


@pytest.mark.parametrize("key", [None, "k", "~" * 255, "two words"])
def test_a_change_is_made_for_the_token_and_under_the_key_of_its_request(
    create: Create, service: RecordingService, key: str | None
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    assert create(FIRST_EXAMPLE, headers=headers).status_code == 201
    assert service.callers == [Caller(token_id=1, key=key)]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_a_key_that_is_none_is_400_and_asks_nothing(create: Create, service: RecordingService, key: str) -> None:
    response = create(FIRST_EXAMPLE, headers={"Idempotency-Key": key})
    assert response.status_code == 400
    assert response.json()["errorMessages"] == ["Idempotency-Key: must be one of 1 to 255 printable ASCII characters."]
    assert service.created == []


def test_a_key_beyond_ascii_is_none() -> None:
    with pytest.raises(ApiError):
        idempotency_key(Request({"type": "http", "headers": [(b"idempotency-key", b"\xe9")]}))


def test_two_keys_are_none() -> None:
    with pytest.raises(ApiError):
        idempotency_key(Request({"type": "http", "headers": [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]}))


def test_a_key_of_another_request_is_400(create: Create, service: RecordingService) -> None:
    service.failure = errors.KeyReused("no")
    assert create(FIRST_EXAMPLE, headers={"Idempotency-Key": "k"}).status_code == 400


def test_the_operation_is_documented_with_its_scope_and_every_answer(http: httpx2.Client) -> None:
    document = http.get("/openapi.json").json()
    operation = document["paths"]["/api/{version}/my/lock/{lock_id}/pin"]["post"]
    assert set(operation["responses"]) == {"201", "400", "401", "403", "406", "408", "409", "422", "428"}
    assert operation["security"] == [{"Bearer": ["Device.ReadWrite"]}, {"PersonalKey": ["Device.ReadWrite"]}]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["lock_id", "version", "Idempotency-Key"]
    assert set(operation["requestBody"]["content"]) == {"application/json", "application/json-patch+json"}
    assert "ValidationError" not in str(document)


def test_every_documented_example_is_what_the_api_does(http: httpx2.Client, create: Create) -> None:
    operation = http.get("/openapi.json").json()["paths"]["/api/{version}/my/lock/{lock_id}/pin"]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        assert create(example["value"]).status_code == 201
    for status, response in operation["responses"].items():
        example = response["content"]["application/json"]["example"]
        assert str(example["statusCode"]) == status
        assert example["success"] == (example["errorMessages"] == []) == (status == "201")
