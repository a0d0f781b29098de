"""Locks and their bolts over HTTP: what is told, who may ask, and how each failure is answered."""

from dataclasses import replace

import pytest

from bridge import errors
from bridge.http.app import create_app
from bridge.journal import Caller
from bridge.records import IMPLIED, PairingState, Scope
from protocol.vocabulary import BoltAction, BoltState, Status

from .doubles import LOCK, REMOVED_LOCK, UNGRANTED_LOCK, RecordingService
from .lock_doubles import KNOWN, NOW, SECOND_LOCK, Calls

READ, OPERATE = Scope.DEVICE_READ, Scope.LOCK_OPERATE
STATE = {
    "state": 6,
    "isCharging": False,
    "batteryLevel": 54,
    "stateChangeResult": 0,
    "doorState": 3,
    "lastStateChangedDate": "2026-11-23T09:30:00.250Z",
}
SYNC = {"id": LOCK, "isConnected": True, "lockProperties": STATE}
UNKNOWN = {
    "state": 9,
    "isCharging": False,
    "batteryLevel": None,
    "stateChangeResult": 0,
    "doorState": 0,
    "lastStateChangedDate": None,
}
ONE = {
    **SYNC,
    "name": "front",
    "type": 2,
    "serialNumber": "LW-00000001",
    "connectedToId": 1,
    "timeZone": "Europe/Warsaw",
    "deviceSettings": {"pullSpringEnabled": True, "autoPullSpringEnabled": False},
    "softwareVersions": [{"softwareType": 0, "version": "1.2.3", "updateAvailable": False}],
}
NEVER_ASKED = {
    "id": SECOND_LOCK,
    "isConnected": False,
    "lockProperties": UNKNOWN,
    "name": "back",
    "type": 2,
    "serialNumber": None,
    "connectedToId": 1,
    "timeZone": "Europe/Warsaw",
    "deviceSettings": {"pullSpringEnabled": False, "autoPullSpringEnabled": False},
}


@pytest.fixture(scope="module")
def all_calls() -> Calls:
    return Calls()


@pytest.fixture
def call(all_calls: Calls) -> Calls:
    all_calls.service.reset()
    return all_calls


@pytest.mark.parametrize("path", ["/lock", "/lock/", "/Lock"])
def test_the_list_has_the_granted_locks_and_what_each_has_last_told(call: Calls, path: str) -> None:
    answer = call("GET", path, token=READ)
    assert answer.status_code == 200
    assert answer.json() == {"result": [NEVER_ASKED, ONE], "success": True, "errorMessages": [], "statusCode": 200}


def test_one_lock_is_as_in_the_list(call: Calls) -> None:
    assert call("GET", f"/lock/{LOCK}", token=READ).json()["result"] == ONE


def test_the_states_alone_are_told_of_all_or_of_those_that_are_named(call: Calls) -> None:
    other = {"id": SECOND_LOCK, "isConnected": False, "lockProperties": UNKNOWN}
    assert call("GET", "/lock/sync", token=READ).json()["result"] == [other, SYNC]
    assert call("GET", f"/lock/sync?id={LOCK}&id={UNGRANTED_LOCK}", token=READ).json()["result"] == [SYNC]
    assert call("GET", f"/lock/{LOCK}/sync", token=READ).json()["result"] == SYNC
    for text in ("front", f"{LOCK}.0", f"%2B{LOCK}", f"0{LOCK}"):
        refused = call("GET", f"/lock/sync?id={LOCK}&id={text}", token=READ)
        assert (refused.status_code, refused.json()["errorMessages"]) == (
            400,
            ["id: must be a whole number such as 20."],
        )


def test_a_lock_that_is_paired_no_more_is_connected_to_nothing(call: Calls) -> None:
    call.service.pairing = PairingState.UNPAIRED
    told = call("GET", "/lock", token=READ).json()["result"][1]
    assert (told["isConnected"], told["connectedToId"]) == (False, None)


def test_a_jammed_bolt_is_told_as_one(call: Calls) -> None:
    call.service.known = {LOCK: replace(KNOWN, bolt=BoltState.UNKNOWN, jammed=True)}
    told = call("GET", f"/lock/{LOCK}/sync", token=READ).json()["result"]["lockProperties"]
    assert (told["state"], told["stateChangeResult"]) == (9, 1)


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("lock", BoltAction.LOCK),
        ("unlock", BoltAction.UNLOCK),
        ("unlock?mode=0", BoltAction.UNLOCK),
        ("unlock?mode=2", BoltAction.UNLOCK),
        ("unlock?mode=3", BoltAction.UNLOCK),
        ("unlock?mode=4", BoltAction.PULL),
        ("pull", BoltAction.PULL),
    ],
)
@pytest.mark.parametrize("key", [None, "drawn"])
def test_an_operation_is_begun_for_the_token_and_under_its_key(
    call: Calls, path: str, action: BoltAction, key: str | None
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = call("POST", f"/lock/{LOCK}/operation/{path}", token=OPERATE, headers=headers)
    begun = {"operationId": "1795426200250", "lastStateChangedDate": "2026-11-23T09:30:00.250Z"}
    assert answer.json() == {"result": begun, "success": True, "errorMessages": [], "statusCode": 202}
    assert int(begun["operationId"]) == NOW.timestamp() * 1000
    assert answer.status_code == 202
    assert call.service.operations == [(action, Caller(token_id=1, key=key))]


@pytest.mark.parametrize("bolt", [BoltState.LOCKED, BoltState.UNLOCKED, BoltState.PULLED])
def test_a_bolt_that_is_there_already_has_not_changed(call: Calls, bolt: BoltState) -> None:
    call.service.moves_to = bolt
    answer = call("POST", f"/lock/{LOCK}/operation/lock", token=OPERATE)
    assert answer.json()["result"]["lastStateChangedDate"] is None


@pytest.mark.parametrize("mode", ["1", "5", "-1", "x", "", "2.5"])
def test_an_unknown_mode_of_unlocking_is_400_and_moves_nothing(call: Calls, mode: str) -> None:
    answer = call("POST", f"/lock/{LOCK}/operation/unlock?mode={mode}", token=OPERATE)
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, ["mode: must be 0, 2, 3 or 4."])
    assert call.service.operations == []


def test_a_key_that_is_none_is_400_and_moves_nothing(call: Calls) -> None:
    headers = {"Idempotency-Key": "k" * 256}
    assert call("POST", f"/lock/{LOCK}/operation/lock", token=OPERATE, headers=headers).status_code == 400
    assert call.service.operations == []


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (errors.KeyReused(), 400),
        (errors.Refused(Status.UNSUPPORTED, None, ""), 400),
        (errors.NotRegistered(), 403),
        (errors.Unreachable(), 408),
        (errors.BoltUnknown(), 408),
        (errors.LockBusy(), 409),
        (errors.LockHeld(), 409),
        (errors.Refused(Status.BUSY, None, ""), 409),
        (errors.NotPaired(), 428),
        (errors.DamagedState(), 500),
        (errors.Refused(Status.STORAGE, None, ""), 502),
    ],
    ids=repr,
)
@pytest.mark.parametrize("operation", ["lock", "unlock", "pull"])
def test_a_failure_of_an_operation_is_answered_in_the_envelope(
    call: Calls, operation: str, failure: errors.BridgeError, status: int
) -> None:
    call.service.failure = failure
    answer = call("POST", f"/lock/{LOCK}/operation/{operation}", token=OPERATE)
    assert answer.status_code == answer.json()["statusCode"] == status
    assert (answer.json()["result"], answer.json()["success"]) == (None, False)
    assert answer.headers.get("Retry-After") == ("1" if status == 409 else None)


def test_an_unknown_outcome_does_not_invite_to_move_the_bolt_again(call: Calls) -> None:
    call.service.failure = errors.BoltUnknown()
    (message,) = call("POST", f"/lock/{LOCK}/operation/lock", token=OPERATE).json()["errorMessages"]
    assert "moves the bolt anew" in message
    assert "10 minutes" not in message


PATHS = [
    ("GET", "/lock", READ),
    ("GET", "/lock/sync", READ),
    ("GET", f"/lock/{LOCK}", READ),
    ("GET", f"/lock/{LOCK}/sync", READ),
    ("POST", f"/lock/{LOCK}/operation/lock", OPERATE),
    ("POST", f"/lock/{LOCK}/operation/unlock", OPERATE),
    ("POST", f"/lock/{LOCK}/operation/pull", OPERATE),
    ("GET", f"/deviceactivity?deviceId={LOCK}", Scope.DEVICE_ACTIVITY_READ),
]


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
def test_a_call_needs_its_own_scope_and_no_other(call: Calls, method: str, path: str, scope: Scope) -> None:
    enough = {scope} | ({Scope.DEVICE_READ_WRITE} if scope is READ else set())
    for token in (*Scope, "none"):
        assert call(method, path, token=token).status_code == (
            403 if token not in enough else 200 + 2 * (method == "POST")
        )
    assert call(method, path, token="lw_wrong").status_code == 401


@pytest.mark.parametrize("lock", [UNGRANTED_LOCK, REMOVED_LOCK, 999, "front"])
@pytest.mark.parametrize(("method", "path", "scope"), [row for row in PATHS if f"/{LOCK}" in row[1]])
def test_a_lock_that_is_not_granted_and_one_that_is_none_are_told_alike(
    call: Calls, method: str, path: str, scope: Scope, lock: object
) -> None:
    answer = call(method, path.replace(str(LOCK), str(lock)), token=scope)
    assert answer.status_code == 403
    assert answer.json()["errorMessages"] == ["This lock is unknown, or the token is not granted it."]


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
def test_every_call_is_documented_with_its_scope_and_the_examples_of_every_answer(
    method: str, path: str, scope: Scope
) -> None:
    documented = "/api/{version}/my" + path.partition("?")[0].replace(str(LOCK), "{lock_id}")
    operation = create_app(RecordingService()).openapi()["paths"][documented][method.lower()]
    scopes = [scope, *(more for more, implied in IMPLIED.items() if implied is scope)]
    assert operation["security"] == [{scheme: [each]} for each in scopes for scheme in ("Bearer", "PersonalKey")]
    done = "202" if method == "POST" else "200"
    more = (
        {"400", "408", "409", "428", "502"}
        if method == "POST"
        else {"400"}
        if "?" in path or path == "/lock/sync"
        else set()
    )
    assert set(operation["responses"]) == {done, "401", "403", "429", "500"} | more
    for status, response in operation["responses"].items():
        example = response["content"]["application/json"]["example"]
        assert str(example["statusCode"]) == status
        assert example["success"] == (example["errorMessages"] == []) == (status == done)


@pytest.mark.parametrize(("method", "path", "scope"), PATHS)
def test_an_answer_has_no_other_fields_than_its_schema(call: Calls, method: str, path: str, scope: Scope) -> None:
    documented = "/api/{version}/my" + path.partition("?")[0].replace(str(LOCK), "{lock_id}")
    operation = create_app(RecordingService()).openapi()["paths"][documented][method.lower()]
    content = operation["responses"]["202" if method == "POST" else "200"]["content"]["application/json"]
    schema = content["schema"]["properties"]["result"]
    for told in (call(method, path, token=scope).json()["result"], content["example"]["result"]):
        many, one = (told, schema["items"]) if isinstance(told, list) else ([told], schema)
        for result in many:
            assert set(one["required"]) <= set(result) <= set(one["properties"])
