import asyncio
import json

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError

from bridge import errors
from bridge.http.problems import api_error, handlers
from protocol.pin_rules import sentence
from protocol.vocabulary import Rule, Status

SECRET = "/dev/ttyUSB0 held by 97531"


def refused(status: Status, rule: Rule | None = None) -> errors.Refused:
    return errors.Refused(status, rule, SECRET)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RuleBroken(Rule.DIGITS_LENGTH, SECRET), 400),
        (errors.UsageError(SECRET), 400),
        (errors.NotRegistered(SECRET), 403),
        (errors.NotPaired(SECRET), 428),
        (errors.PairingRefused(SECRET), 428),
        (errors.VersionMismatch(SECRET), 428),
        (errors.Unreachable(SECRET), 408),
        (errors.LinkLost(SECRET), 408),
        (errors.AckTimeout(SECRET), 408),
        (errors.LockBusy(SECRET), 409),
        (errors.LockHeld(SECRET), 409),
        (errors.UnsafeState(SECRET), 500),
        (errors.DamagedState(SECRET), 500),
        (errors.AlreadyRegistered(SECRET), 500),
        (errors.BridgeError(SECRET), 500),
        (refused(Status.OK), 500),
        (refused(Status.BUSY), 409),
        (refused(Status.FULL), 422),
        (refused(Status.EXISTS), 406),
        (refused(Status.NOT_FOUND), 404),
        (refused(Status.INVALID), 400),
        (refused(Status.INVALID, Rule.ALIAS_LENGTH), 400),
        (refused(Status.STALE), 409),
        (refused(Status.CHANGED), 409),
        (refused(Status.CONFLICT), 409),
        (refused(Status.STORAGE), 502),
        (refused(Status.CLOCK_UNTRUSTED), 502),
        (refused(Status.DENIED), 502),
        (refused(Status.UNSUPPORTED), 400),
    ],
    ids=repr,
)
def test_an_error_becomes_its_status_without_its_text(error: errors.BridgeError, status: int) -> None:
    answer = api_error(error)
    assert answer.status == status
    assert SECRET not in repr(answer)
    assert (answer.headers == {"Retry-After": "1"}) == (status == 409)


def test_a_kind_of_error_that_is_new_is_answered_as_its_base() -> None:
    class Unplugged(errors.LinkLost):
        pass

    assert api_error(Unplugged(SECRET)).status == 408


@pytest.mark.parametrize(
    "error", [errors.RuleBroken(Rule.ALIAS_LENGTH, SECRET), refused(Status.INVALID, Rule.ALIAS_LENGTH)]
)
def test_a_broken_rule_is_answered_with_its_sentence(error: errors.BridgeError) -> None:
    assert api_error(error).messages == (sentence(Rule.ALIAS_LENGTH),)


def test_a_parameter_that_the_framework_refuses_for_a_new_reason_is_400_and_named_without_its_value() -> None:
    error = RequestValidationError(
        [{"type": "new", "loc": ("query", "listVersion"), "msg": SECRET, "input": SECRET, "ctx": {"given": SECRET}}]
    )
    response = asyncio.run(handlers()[RequestValidationError](Request({"type": "http"}), error))
    assert json.loads(bytes(response.body)) == {
        "result": None,
        "success": False,
        "errorMessages": ["listVersion: is not valid."],
        "statusCode": 400,
    }


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (errors.Unreachable("why"), "WARNING"),
        (errors.LinkLost("why"), "WARNING"),
        (errors.AckTimeout("why"), "WARNING"),
        (errors.LockHeld("why"), "WARNING"),
        (errors.NotPaired("why"), "WARNING"),
        (errors.VersionMismatch("why"), "WARNING"),
        (errors.DamagedState("why"), "ERROR"),
        (refused(Status.STORAGE), "ERROR"),
        (errors.LockBusy("why"), "INFO"),
        (errors.NotRegistered("why"), "INFO"),
        (refused(Status.EXISTS), "INFO"),
    ],
    ids=repr,
)
def test_what_an_operator_can_mend_is_logged_as_a_warning_with_its_cause(
    error: errors.BridgeError, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    request = Request({"type": "http", "method": "POST", "state": {"correlation_id": "7"}})
    asyncio.run(handlers()[errors.BridgeError](request, error))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (level, f"request 7: {type(error).__name__}: {error}")
    ]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (errors.AckTimeout("why"), "repeated within 10 minutes"),
        (errors.LinkLost("why"), "repeated within 10 minutes"),
        (errors.Unreachable("why"), "try again"),
        (errors.OutcomeLost(), "look at the lock"),
    ],
    ids=repr,
)
def test_a_timeout_promises_only_what_can_be_had(error: errors.BridgeError, says: str) -> None:
    request = Request({"type": "http", "method": "POST", "state": {"correlation_id": "7"}})
    response = asyncio.run(handlers()[errors.BridgeError](request, error))
    assert response.status_code == 408
    (message,) = json.loads(bytes(response.body))["errorMessages"]
    assert says in message
    assert ("10 minutes" in message) is (says == "repeated within 10 minutes")
