"""The documented calls at pins, through real processes: HTTP server, pty, simulated lock."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.conftest import NO_TLS
from tests.together.processes import WAYS, Place, Staying, place

FIRST = {
    "alias": "Alias 1",
    "pin": "97531",
    "startDate": None,
    "endDate": None,
    "dayStartTime": None,
    "dayEndTime": None,
    "weekDays": None,
}
SECOND = {
    "alias": "Alias 2",
    "pin": "97531",
    "startDate": "2021-05-01T00:00:00.000Z",
    "endDate": "2021-05-31T00:00:00.000Z",
    "dayStartTime": "2021-05-01T08:00:00.000Z",
    "dayEndTime": "2021-05-02T16:00:00.000Z",
    "weekDays": 21,
}


@dataclass(slots=True, kw_only=True)
class Api:
    """A bench with everything running, and the call."""

    bench: Place
    lock: Staying
    serving: Staying
    url: str
    token: str

    def create(
        self, body: object, *, lock: str = "123", token: str | None = None, key: str | None = None
    ) -> httpx2.Response:
        """Post one create call."""
        return httpx2.post(
            f"{self.url}/api/v1.32/my/lock/{lock}/pin",
            content=json.dumps(body),
            headers={"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
            | ({} if key is None else {"Idempotency-Key": key}),
            timeout=20,
            verify=NO_TLS,
        )

    def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Make one call at the lock's pins."""
        return httpx2.request(
            method,
            f"{self.url}/api/v37/my/lock/123/pin{path}",
            json=body,
            headers={"Authorization": f"PersonalKey {self.token}"},
            timeout=20,
            verify=NO_TLS,
        )


@pytest.fixture(params=WAYS)
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    with place({"LATCHWIRE_DEADLINE": "1"}, way=request.param) as bench, bench.lock() as lock:
        assert bench.pair().code == 0
        token = bench.token()
        with bench.staying("serve", "--port", "0") as serving:
            yield Api(bench=bench, lock=lock, serving=serving, url=serving.ready["url"], token=token)


def test_the_documented_bodies_fill_three_slots_and_the_keypad_knows_them(api: Api) -> None:
    created = api.create(FIRST)
    assert created.status_code == 201
    assert created.json() == {"result": {"id": 1}, "success": True, "errorMessages": [], "statusCode": 201}
    assert api.create(SECOND).status_code == 406
    assert api.create(SECOND | {"pin": "86420"}).status_code == 201
    assert api.create(FIRST | {"pin": "13579"}).status_code == 201
    full = api.create(FIRST | {"pin": "24680"})
    assert (full.status_code, full.json()["success"], full.json()["result"]) == (422, False, None)

    granted, expired, unknown = (api.bench.enter(digits) for digits in ("97531", "86420", "24680"))
    assert (granted.code, granted.json()["pin_id"]) == (0, 1)
    assert (expired.code, expired.json()["denial"]) == (4, "expired")
    assert (unknown.code, unknown.json()["denial"]) == (4, "unknown")


def test_a_pin_is_listed_read_replaced_and_removed_and_the_keypad_follows(api: Api) -> None:
    assert api.create(FIRST).status_code == 201
    listed = api.call("GET", "").json()["result"]
    assert listed["pins"] == [{"id": 1, "alias": "Alias 1"}]
    unchanged = api.call("GET", f"?listVersion={listed['listVersion']}")
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert api.call("GET", "/1").json()["result"] == FIRST | {"id": 1, "enabled": True, "windows": []}

    replaced = api.call("PUT", "/1", SECOND | {"pin": "86420"})
    assert (replaced.status_code, replaced.content) == (204, b"")
    assert replaced.headers["Content-Type"] == "application/json"
    assert api.call("GET", "/1").json()["result"] == SECOND | {
        "pin": "86420",
        "id": 1,
        "startDate": "2021-05-01T00:00:00Z",
        "endDate": "2021-05-31T00:00:00Z",
        "dayStartTime": "2021-05-01T08:00:00Z",
        "dayEndTime": "2021-05-01T16:00:00Z",
        "enabled": True,
        "windows": [{"weekDays": 21, "start": "08:00", "end": "16:00"}],
    }
    denials = [api.bench.enter(digits).json()["denial"] for digits in ("97531", "86420")]
    assert denials == ["unknown", "expired"]

    assert api.call("DELETE", "/1").status_code == 204
    assert api.call("DELETE", "/1").status_code == 404
    assert api.call("GET", f"?listVersion={listed['listVersion']}").json()["result"]["pins"] == []


@pytest.mark.parametrize("digits", ["12345", "11122", "1234", "123456789", "98765", "12a45", "", None, 97531], ids=repr)
def test_a_pin_that_breaks_a_rule_is_refused_and_not_repeated(api_once: Api, digits: Any) -> None:
    answer = api_once.create(FIRST | {"pin": digits})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"][0].startswith("pin: ")
    assert not digits or str(digits) not in answer.text


@pytest.fixture(scope="module")
def api_once() -> Iterator[Api]:
    """A bench whose lock is asked for nothing but refusals."""
    with place() as bench, bench.lock() as lock:
        assert bench.pair().code == 0
        token = bench.token()
        with bench.staying("serve", "--port", "0") as serving:
            yield Api(bench=bench, lock=lock, serving=serving, url=serving.ready["url"], token=token)


def test_who_may_not_is_told_so_and_nothing_more(api_once: Api) -> None:
    assert api_once.create(FIRST, token="lw_wrong").status_code == 401
    reader = api_once.bench.token("Device.Read")
    assert api_once.create(FIRST, token=reader).status_code == 403
    unknown = api_once.create(FIRST, lock="124")
    assert unknown.status_code == 403


def test_a_lock_that_is_gone_is_408_at_once_and_one_that_hangs_is_408_in_time(api: Api) -> None:
    assert api.create(FIRST).status_code == 201
    api.lock.signal(signal.SIGSTOP)
    silent = api.create(FIRST | {"pin": "86420"})
    assert silent.status_code == 408
    assert "unknown" in silent.json()["errorMessages"][0]
    api.lock.signal(signal.SIGCONT)
    assert api.create(FIRST | {"pin": "13579"}).status_code == 201

    api.lock.kill()
    gone = api.create(FIRST | {"pin": "24680"})
    assert gone.status_code == 408
    assert gone.json()["errorMessages"] == ["The lock cannot be reached: try again."]


@pytest.mark.parametrize("key", [None, "drawn"])
def test_the_same_call_after_a_408_is_201_with_one_pin(api: Api, key: str | None) -> None:
    assert api.create(FIRST).status_code == 201
    api.lock.signal(signal.SIGSTOP)
    assert api.create(FIRST | {"pin": "86420"}, key=key).status_code == 408
    api.lock.signal(signal.SIGCONT)
    again = api.create(FIRST | {"pin": "86420"}, key=key)
    assert (again.status_code, again.json()["result"]) == (201, {"id": 2})
    assert api.create(FIRST | {"pin": "86420"}, key=key).status_code == (406 if key is None else 201)
    assert api.create(FIRST | {"pin": "13579"}, key=key).status_code == (201 if key is None else 400)


def test_what_a_killed_bridge_asked_for_is_known_to_the_next_one(api: Api) -> None:
    assert api.create(FIRST, key="drawn").status_code == 201
    api.serving.kill()
    with api.bench.staying("serve", "--port", "0") as serving:
        api.url = serving.ready["url"]
        assert api.create(FIRST, key="drawn").json()["result"] == {"id": 1}


def test_a_lock_that_comes_back_on_its_flash_still_has_its_pins(api: Api) -> None:
    assert api.create(FIRST).status_code == 201
    api.lock.kill()
    with api.bench.lock():
        assert api.create(FIRST).status_code == 406
        assert api.bench.enter("97531").code == 0


def test_a_lock_that_has_forgotten_the_bridge_is_428_and_one_that_is_another_cannot_be_reached(bench: Place) -> None:
    with bench.lock("--seed", "7") as lock:
        assert bench.pair().code == 0
        token = bench.token()
    with bench.staying("serve", "--port", "0") as serving:
        api = Api(bench=bench, lock=lock, serving=serving, url=serving.ready["url"], token=token)
        bench.folder.joinpath("lock0.flash").unlink()
        with bench.lock("--seed", "7"):
            assert api.create(FIRST).status_code == 428
        bench.folder.joinpath("lock0.flash").unlink()
        bench.folder.joinpath("label").unlink()
        with bench.lock("--seed", "8"):
            assert api.create(FIRST).status_code == 408
