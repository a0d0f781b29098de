"""What a lock, its link or its registry refuses becomes the status that each call documents."""

import httpx2
import pytest

from bridge import errors
from protocol.pin_rules import sentence
from protocol.vocabulary import Rule, Status

from .calls import CALLS, CHANGES, CREATE, GET, Call
from .doubles import READER, RecordingService

FAILURES = (
    (errors.RuleBroken(Rule.DIGITS_LENGTH, ""), 400),
    (errors.Refused(Status.INVALID, Rule.DIGITS_LENGTH, ""), 400),
    (errors.KeyReused(""), 400),
    (errors.NotRegistered(), 403),
    (errors.Refused(Status.NOT_FOUND, None, ""), 404),
    (errors.Refused(Status.EXISTS, None, ""), 406),
    (errors.Unreachable(), 408),
    (errors.LinkLost(), 408),
    (errors.AckTimeout(), 408),
    (errors.LockBusy(), 409),
    (errors.LockHeld(), 409),
    (errors.ZoneChanged("UTC"), 409),
    (errors.Refused(Status.BUSY, None, ""), 409),
    (errors.Refused(Status.FULL, None, ""), 422),
    (errors.NotPaired(), 428),
    (errors.UnsafeState(), 500),
    (errors.Refused(Status.STORAGE, None, ""), 502),
)
MET = [(call, failure, status) for call in CALLS for failure, status in FAILURES if status in call.failures]


@pytest.mark.parametrize(
    ("call", "failure", "status"), MET, ids=[f"{call.asks}-{failure!r}" for call, failure, _ in MET]
)
def test_a_failure_of_the_service_is_answered_in_the_envelope(
    http: httpx2.Client, service: RecordingService, call: Call, failure: errors.BridgeError, status: int
) -> None:
    service.failure = failure
    response = call.make(http)
    envelope = response.json()
    assert response.status_code == envelope["statusCode"] == status
    assert (envelope["result"], envelope["success"]) == (None, False)
    assert len(envelope["errorMessages"]) == 1
    assert response.headers.get("Retry-After") == ("1" if status == 409 else None)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.asks)
def test_every_documented_failure_is_met_here_or_before_the_service_is_asked(call: Call) -> None:
    assert {status for met, _, status in MET if met is call} | {400, 401, 403, 429} >= call.failures


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.asks)
def test_no_call_is_made_without_a_token(http: httpx2.Client, service: RecordingService, call: Call) -> None:
    assert call.make(http, Authorization="Bearer lw_unknown").status_code == 401
    assert call.asks not in service.calls


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.asks)
def test_who_may_read_may_not_write(http: httpx2.Client, service: RecordingService, call: Call) -> None:
    response = call.make(http, Authorization=f"Bearer {READER}")
    assert response.status_code == (403 if call in CHANGES else 200)
    assert (call.asks in service.calls) == (call not in CHANGES)


def test_a_rule_that_the_lock_judges_is_told_in_its_sentence(http: httpx2.Client, service: RecordingService) -> None:
    service.failure = errors.Refused(Status.INVALID, Rule.WINDOW_COUNT, "")
    assert CREATE.make(http).json()["errorMessages"] == [sentence(Rule.WINDOW_COUNT)]


@pytest.mark.parametrize("pin_id", ["0", "65536", "-1", "+3", "03", "1.0", "three", "%D9%A3", "9" * 5000, "3/"])
@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.documented == GET.documented], ids=lambda call: call.asks
)
def test_a_pin_that_no_lock_can_have_is_404_and_not_asked_for(
    http: httpx2.Client, service: RecordingService, call: Call, pin_id: str
) -> None:
    path = f"{CREATE.path}/{pin_id}"
    assert http.request(call.method, path, json={"alias": "Alias 1", "pin": "97531"}).status_code == 404
    assert call.asks not in service.calls
