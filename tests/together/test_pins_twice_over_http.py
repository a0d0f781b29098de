"""Updates and deletions whose answer never came: 408, and whoever asks again learns of one effect."""

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from firmware_sim.failing_flash import Tear
from protocol.vocabulary import PinEntry
from tests.together.api import BOB, Api, Body, at_an_api
from tests.together.desk import Link
from tests.together.links import Dead

Scenario = Callable[[Callable[[Api], Awaitable[None]]], None]

ANNA = {"alias": "Anna", "pin": "97531"}
BEN = {"alias": "Ben", "pin": "86420"}
CLEO = {"alias": "Cleo", "pin": "13579"}

CHANGES = [("PUT", BEN), ("DELETE", None)]
changes = pytest.mark.parametrize(("method", "body"), CHANGES, ids=["PUT", "DELETE"])
keys = pytest.mark.parametrize("key", [None, "drawn"])


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    return lambda test: at_an_api(test, tmp_path / "state", monkeypatch)


def holds(api: Api, body: Body | None) -> bool:
    """Whether the lock holds the pin 1 as `body` says, and nothing else."""
    pins = {} if body is None else {1: PinEntry(digits=str(body["pin"]), alias=str(body["alias"]))}
    return api.desk.door.pins == pins


@changes
def test_one_key_is_one_change_and_no_other_request(scenario: Scenario, method: str, body: Body | None) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        version = api.desk.door.list_version
        for _ in range(3):
            assert (await api.call(method, "/1", body, key="drawn")).status_code == 204
        assert api.desk.door.list_version == version + 1
        others = [(method, "/2", body), ("PUT", "/1", CLEO), ("POST", "", CLEO), ("DELETE", "/2", None)]
        for other in others:
            answer = await api.call(*other, key="drawn")
            assert (answer.status_code, answer.json()["errorMessages"]) == (
                400, ["Idempotency-Key: has been used for another request."],
            )  # fmt: skip
        assert api.desk.door.list_version == version + 1
        assert holds(api, body)

    scenario(test)


def test_without_a_key_what_was_told_is_asked_for_anew(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        version = api.desk.door.list_version
        statuses = [(await api.call("PUT", "/1", BEN)).status_code for _ in range(2)]
        statuses += [(await api.call("DELETE", "/1")).status_code for _ in range(2)]
        assert statuses == [204, 204, 204, 404]
        assert api.desk.door.list_version == version + 3

    scenario(test)


@changes
@keys
@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("heard", [False, True])
def test_the_same_request_after_a_408_is_204_with_one_effect(
    scenario: Scenario, method: str, body: Body | None, key: str | None, restarts: bool, heard: bool
) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        version = api.desk.door.list_version
        api.desk.link.mute, api.desk.link.deaf, api.desk.door.wrap = not heard, heard, Dead
        first = await api.call(method, "/1", body, key=key)
        assert first.status_code == 408
        assert "unknown" in first.json()["errorMessages"][0]
        assert holds(api, body if heard else ANNA)
        if restarts:
            await api.restart()
        assert (await api.call(method, "/1", body, key=key)).status_code == 408
        api.desk.door.wrap = Link
        await api.restart()
        assert (await api.call(method, "/1", body, key=key)).status_code == 204
        assert holds(api, body)
        assert api.desk.door.list_version == version + 1

    scenario(test)


def test_an_outcome_is_told_to_the_token_alone_that_asked(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        api.desk.link.deaf, api.desk.door.wrap = True, Dead
        assert (await api.call("DELETE", "/1")).status_code == 408
        api.desk.door.wrap = Link
        await api.restart()
        assert (await api.call("DELETE", "/1", token=BOB)).status_code == 404
        assert (await api.call("DELETE", "/1")).status_code == 204

    scenario(test)


@pytest.mark.parametrize("tear", [Tear.NONE, Tear.ALL_BUT_ONE])
def test_an_update_that_power_cuts_off_leaves_the_old_pin_or_the_new_one(scenario: Scenario, tear: Tear) -> None:
    """Power goes in the first flash operation, the second, and so on, until the update outruns it."""

    async def test(api: Api) -> None:
        await api.create(ANNA)
        outcomes: list[bool] = []
        for operations in count(1):
            assert (await api.call("PUT", "/1", ANNA)).status_code == 204
            api.desk.door.failing.cut_after(operations, tear)
            api.desk.door.wrap = Dead
            status = (await api.call("PUT", "/1", BEN)).status_code
            api.desk.door.failing.disarm()
            api.desk.door.wrap = Link
            assert holds(api, ANNA) or holds(api, BEN)
            assert api.opens("86420") == holds(api, BEN)
            assert api.opens("97531") != api.opens("86420")
            if status == 204:
                break
            assert status == 408
            outcomes.append(holds(api, BEN))
            await api.restart()  # the dead link is still open
            assert (await api.call("PUT", "/1", BEN)).status_code == 204
            assert holds(api, BEN)
        assert outcomes == sorted(outcomes)
        assert (outcomes[0], outcomes[-1]) == (False, True)

    scenario(test)
