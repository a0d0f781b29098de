"""API body → lock → GET → PUT of what GET gave: the lock holds the same pin as before, whatever clocks do there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.http.edges import EDGES
from tests.together.api import Api, Body, at_an_api

ZONES = sorted(EDGES)
LAST_SECOND = 0xFFFF_FFFF
NEAR = 2 * 86_400

Fields = Mapping[str, object]


def written(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()


def instants(zone: str) -> st.SearchStrategy[str]:
    """Return any instant, most of them near one at which the zone's clocks are changed."""
    edges = [int(datetime.fromisoformat(edge).timestamp()) for edge in EDGES[zone]]
    near = [st.integers(edge - NEAR, edge + NEAR) for edge in edges]
    return st.one_of(*near, st.integers(0, LAST_SECOND)).map(written)


def windows() -> st.SearchStrategy[Fields]:
    clock = st.times().map(lambda time: f"{time:%H:%M}")
    end = st.sampled_from(["24:00", "00:01"]) | clock.filter(lambda text: text != "00:00")
    window = st.fixed_dictionaries({"weekDays": st.integers(1, 127), "start": clock, "end": end})
    distinct = window.filter(lambda each: each["start"] != each["end"])
    return st.fixed_dictionaries({"windows": st.lists(distinct, max_size=4)})


def one_window(zone: str) -> st.SearchStrategy[Fields]:
    days, daily = st.none() | st.integers(1, 127), st.none() | instants(zone)
    return st.fixed_dictionaries({}, optional={"dayStartTime": daily, "dayEndTime": daily, "weekDays": days})


def bodies(zone: str) -> st.SearchStrategy[Body]:
    validity: st.SearchStrategy[Fields] = st.fixed_dictionaries(
        {}, optional={"startDate": instants(zone), "endDate": instants(zone), "enabled": st.booleans()}
    )
    pin = {"alias": "Zoë", "pin": "00731"}
    return st.tuples(validity, windows() | one_window(zone)).map(lambda parts: pin | dict(parts[0]) | dict(parts[1]))


async def go_and_come(api: Api, zone: str, body: Body) -> None:
    await api.move_to(zone)
    answer = await api.call("POST", "", body)
    if answer.status_code == 400:  # a validity or window without length: the rules are tested elsewhere
        assert answer.json()["errorMessages"][0].startswith(("startDate, endDate: ", "dayStartTime, dayEndTime: "))
        assert api.desk.door.pins == {}
        return
    before, told = api.desk.door.pins, await api.told("/1")
    assert (await api.call("PUT", "/1", told)).status_code == 204
    assert api.desk.door.pins == before
    assert await api.told("/1") == told


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_pin_goes_there_and_back_unchanged(zone: str, data: st.DataObject) -> None:
    body = data.draw(bodies(zone))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        at_an_api(lambda api: go_and_come(api, zone, body), Path(folder, "state"), monkeypatch)
