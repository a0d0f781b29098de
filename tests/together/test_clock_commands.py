"""A lock's clock from the command line: shown as it is, set, never far back unforced; its zone goes with it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.errors import AckTimeout
from bridge.service import open_service
from tests.together.links import Losing
from tests.together.pairings import workshop
from tests.together.processes import EVERY_WAY, Place

HOUR = 3600


def show(bench: Place, ahead: int) -> None:
    """Let the lock's clock show a time so many seconds ahead."""
    moment = datetime.now(UTC) + timedelta(seconds=ahead)
    words = ["--set", moment.isoformat(timespec="seconds"), "--control", bench.path("ctl")]
    assert bench.here("sim", "clock", *words).code == 0


@EVERY_WAY
def test_a_clock_is_shown_as_it_is_and_goes_far_back_by_force_alone(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        show(bench, HOUR)
        shown = bench.here("clock", "get", "front", "--json").json()
        assert HOUR - 60 < shown["skew"] <= HOUR  # a busy machine takes its time between now and there
        assert (shown["zone"], shown["trusted"], shown["time"][-6:]) == ("UTC", True, "+00:00")
        refused = bench.here("clock", "set", "front")
        assert (refused.code, refused.out) == (4, "")
        assert "s ahead of this host's, and goes back by more than 5 minutes only by force" in refused.err
        assert refused.err.count("\n") == 1
        forced = bench.here("clock", "set", "front", "--force", "--json").json()
        assert forced["skew"] > HOUR - 60  # nobody has corrected it meanwhile
        assert abs(bench.here("clock", "get", "front", "--json").json()["skew"]) <= 1
        assert bench.here("sim", "clock", "--lose", "--control", bench.path("ctl")).code == 0
        lost = bench.here("clock", "get", "123")
        assert (lost.code, "does not trust its time" in lost.out) == (0, True)


@EVERY_WAY
def test_a_new_zone_moves_the_list_version_and_is_kept_by_the_registry(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        before = bench.here("clock", "set", "front", "--json").json()["list_version"]
        done = bench.here("clock", "set", "front", "--zone", "Europe/Warsaw", "--json").json()
        assert (done["zone"], done["list_version"]) == ("Europe/Warsaw", before + 1)
        assert bench.here("clock", "set", "front", "--json").json()["list_version"] == before + 1
        assert bench.here("lock", "list", "--json").json()["zone"] == "Europe/Warsaw"
        listed = bench.here("pin", "list", "front", "--json")
        assert (listed.code, listed.err) == (0, "")
        wrong = bench.here("clock", "set", "front", "--zone", "Mars/Olympus")
        assert (wrong.code, "is no IANA zone" in wrong.err) == (2, True)


def test_a_clock_whose_setting_is_not_answered_is_an_unknown_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with workshop(tmp_path / "state", monkeypatch) as shop:
            record = await shop.pair()
            shop.hurry()
            shop.wrap = lambda link: Losing(link, answers=range(3, 1000))  # all behind that of get_clock
            async with open_service(shop.settings, command="test", hub=shop.hub, corrects_clocks=False) as service:
                with pytest.raises(AckTimeout, match="may have been made or not"):
                    await service.set_clock(record, zone="UTC", force=False)
            assert shop.locks["front"].snapshot().zone == "UTC"
            assert await shop.records() == (record,)

    asyncio.run(scenario())
