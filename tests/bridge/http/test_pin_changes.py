import httpx2
import pytest

from bridge.journal import Caller
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

from .calls import BODY, CHANGES, DELETE, PIN, UPDATE, Call
from .doubles import HELD, PIN_ID, RecordingService

ids = pytest.mark.parametrize("call", CHANGES, ids=lambda call: call.asks)


@pytest.mark.parametrize("call", [UPDATE, DELETE], ids=lambda call: call.asks)
def test_what_is_done_is_204_without_a_body_and_typed_as_json(http: httpx2.Client, call: Call) -> None:
    response = call.make(http)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Content-Type"] == "application/json"
    assert "Content-Length" not in response.headers


def test_an_update_replaces_everything(http: httpx2.Client, service: RecordingService) -> None:
    assert UPDATE.make(http).status_code == 204
    body = BODY | {"endDate": "2021-05-31T00:00:00Z", "weekDays": 21, "enabled": False}
    assert http.put(PIN, json=body).status_code == 204
    window = Window(weekdays=Weekdays(21), start=0, end=1440)
    limited = PinEntry(
        digits="97531", alias="Alias 1", enabled=False, schedule=Schedule(valid_until=1_622_419_200, windows=(window,))
    )
    assert service.updated == [(PIN_ID, HELD), (PIN_ID, limited)]


def test_a_deletion_needs_the_number_alone(http: httpx2.Client, service: RecordingService) -> None:
    assert DELETE.make(http).status_code == 204
    assert service.deleted == [PIN_ID]


@ids
@pytest.mark.parametrize("key", [None, "k", "~" * 255, "two words"])
def test_a_change_is_made_for_the_token_and_under_the_key_of_its_request(
    http: httpx2.Client, service: RecordingService, call: Call, key: str | None
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    assert call.make(http, **headers).status_code in call.done
    assert service.callers == [Caller(token_id=1, key=key)]


@ids
@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_a_key_that_is_none_is_400_and_asks_nothing(
    http: httpx2.Client, service: RecordingService, call: Call, key: str
) -> None:
    response = call.make(http, **{"Idempotency-Key": key})
    assert response.status_code == 400
    assert response.json()["errorMessages"] == ["Idempotency-Key: must be one of 1 to 255 printable ASCII characters."]
    assert call.asks not in service.calls


def test_what_was_read_is_what_may_be_written(http: httpx2.Client, service: RecordingService) -> None:
    service.held = PinEntry(
        digits="00731",
        alias="Alias 1",
        enabled=False,
        schedule=Schedule(
            valid_from=1_619_827_200,
            windows=(
                Window(weekdays=Weekdays(127), start=0, end=1440),
                Window(weekdays=Weekdays(96), start=1320, end=360),
            ),
        ),
    )
    assert http.put(PIN, json=http.get(PIN).json()["result"]).status_code == 204
    assert service.updated == [(PIN_ID, service.held)]
