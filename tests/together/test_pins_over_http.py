"""The whole pin API over HTTP, at a simulated lock: what is answered is what the lock holds, and what opens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.records import PairingState
from firmware_sim.clock import DAY
from protocol.framing import Kind
from protocol.vocabulary import Denial, PinEntry, Schedule
from tests.together.api import READER, Api, at_an_api
from tests.together.door import EPOCH
from tests.together.links import Dead

Scenario = Callable[[Callable[[Api], Awaitable[None]]], None]

ANNA = {"alias": "Anna", "pin": "97531"}
BEN = {"alias": "Ben", "pin": "86420"}
SOON = "2026-09-21T14:14:20Z"
"""A minute after EPOCH."""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    return lambda test: at_an_api(test, tmp_path / "state", monkeypatch)


def test_a_pin_is_created_listed_told_replaced_and_removed(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        assert await api.create(ANNA) == 1
        listed = await api.told()
        assert listed["pins"] == [{"id": 1, "alias": "Anna"}]
        assert (await api.told("/1"))["pin"] == "97531"
        assert (await api.call("PUT", "/1", BEN | {"endDate": SOON})).status_code == 204
        assert api.desk.door.pins == {
            1: PinEntry(digits="86420", alias="Ben", schedule=Schedule(valid_until=EPOCH + 60))
        }
        assert (api.opens("97531"), api.opens("86420")) == (False, True)
        assert (await api.call("DELETE", "/1")).status_code == 204
        assert not api.opens("86420")
        assert (await api.told())["pins"] == []

    scenario(test)


def test_a_list_that_is_known_costs_one_request_and_any_change_makes_another(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        for digit in range(1, 5):
            await api.create({"alias": "guest", "pin": f"{digit}9753"})
        for change in (("PUT", "/2", ANNA), ("DELETE", "/3", None), ("POST", "", BEN)):
            known = (await api.told())["listVersion"]
            asked = len(api.desk.door.sent_of(Kind.TRANSPORT))
            unchanged = await api.call("GET", f"?listVersion={known}")
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert len(api.desk.door.sent_of(Kind.TRANSPORT)) == asked + 1
            assert (await api.call(*change)).status_code < 300
            changed = await api.call("GET", f"?listVersion={known}")
            assert changed.status_code == 200
            assert changed.json()["result"] == await api.told()
            assert changed.json()["result"]["listVersion"] > known

    scenario(test)


def test_what_the_lock_does_not_hold_is_404_and_changes_nothing(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        version = api.desk.door.list_version
        for method, body in (("GET", None), ("PUT", BEN), ("DELETE", None)):
            for number in ("2", "65535", "65536", "0"):
                assert (await api.call(method, f"/{number}", body)).status_code == 404
        assert api.desk.door.list_version == version

    scenario(test)


def test_only_the_digits_of_another_pin_are_there_already(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        await api.create(BEN)
        assert (await api.call("PUT", "/1", ANNA | {"alias": "Anna B."})).status_code == 204
        before = api.desk.door.pins, api.desk.door.list_version
        assert (await api.call("PUT", "/1", BEN)).status_code == 406
        assert (api.desk.door.pins, api.desk.door.list_version) == before
        assert before[0][1].alias == "Anna B."

    scenario(test)


def test_a_body_that_is_refused_leaves_the_old_pin(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        before, asked = api.desk.door.pins, len(api.desk.door.sent)
        for field, value in (("weekDays", 128), ("endDate", "2200-01-01T00:00:00Z"), ("alias", "a" * 33)):
            assert (await api.call("PUT", "/1", BEN | {field: value})).status_code == 400
        assert (api.desk.door.pins, len(api.desk.door.sent)) == (before, asked)

    scenario(test)


def test_no_digits_for_who_may_only_read_and_none_in_the_log(
    scenario: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        assert (await api.call("GET", "/1", token=READER)).json()["result"]["pin"] is None
        told = await api.call("GET", "/1")
        assert (told.json()["result"]["pin"], told.headers["Cache-Control"]) == ("97531", "no-store")
        for method, body in (("PUT", BEN), ("DELETE", None)):
            assert (await api.call(method, "/1", body, token=READER)).status_code == 403

    caplog.set_level(logging.DEBUG)
    scenario(test)
    assert "97531" not in caplog.text


def test_what_the_lock_and_the_bridge_cannot_do_has_its_status(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        await api.create(ANNA)
        both = await asyncio.gather(api.call("PUT", "/1", BEN), api.call("DELETE", "/1"))
        assert sorted(answer.status_code for answer in both) == [204, 409]
        assert [answer.headers.get("Retry-After") for answer in both if answer.status_code == 409] == ["1"]

        record = api.desk.record
        api.desk.record = replace(record, state=PairingState.UNPAIRED)
        for call in (("GET", ""), ("GET", "/1"), ("PUT", "/1", ANNA), ("DELETE", "/1")):
            assert (await api.call(*call)).status_code == 428
        api.desk.record = record

        flash = api.desk.door.failing
        flash.bad_pages.update(range(flash.geometry.pages))
        for call in (("PUT", "/1", ANNA), ("DELETE", "/1")):
            assert (await api.call(*call)).status_code == 502

        api.desk.link.mute, api.desk.door.wrap = True, Dead
        for call in (("GET", ""), ("GET", "?listVersion=1"), ("GET", "/1"), ("PUT", "/1", ANNA), ("DELETE", "/1")):
            assert (await api.call(*call)).status_code == 408

    scenario(test)


def test_a_pin_past_its_end_opens_no_more_and_vanishes_by_itself(scenario: Scenario) -> None:
    async def test(api: Api) -> None:
        assert await api.create(ANNA) == 1
        assert await api.create(BEN | {"endDate": SOON}) == 2
        known = (await api.told())["listVersion"]
        assert api.opens("86420")
        await asyncio.sleep(60)
        assert api.desk.door.simulator.enter("86420").denial is Denial.EXPIRED
        assert (await api.call("GET", f"?listVersion={known}")).status_code == 304
        await asyncio.sleep(2 * DAY)
        changed = await api.call("GET", f"?listVersion={known}")
        assert changed.status_code == 200
        assert changed.json()["result"]["pins"] == [{"id": 1, "alias": "Anna"}]
        for method, body in (("GET", None), ("PUT", BEN), ("DELETE", None)):
            assert (await api.call(method, "/2", body)).status_code == 404
        assert api.opens("97531")

    scenario(test)
