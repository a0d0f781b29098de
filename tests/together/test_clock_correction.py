"""Each session sets a clock that is wrong, refreshes its zone's rule, and leaves a clock that is right alone."""

import asyncio

import pytest

from bridge.client import LockClient
from firmware_sim.clock import DAY, Clock
from firmware_sim.records import ZONE_KEY, Zone
from firmware_sim.requests import Requests
from protocol.messages.clock import ClockGetResponse, ClockSetRequest
from protocol.messages.declaration import Refusal
from protocol.vocabulary import ClockState, Status
from tests.together.door import EPOCH, Door, open_door
from tests.together.links import Losing
from tests.virtual_time import run, virtual_loop

WARSAW = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[ClockSetRequest]:
    """Every setting that was asked of a lock's clock."""
    asked: list[ClockSetRequest] = []
    set_clock = Requests.set_clock

    def watched(requests: Requests, peer: int, request: ClockSetRequest) -> object:
        asked.append(request)
        return set_clock(requests, peer, request)

    monkeypatch.setattr(Requests, "set_clock", watched)
    return asked


def clock(door: Door) -> Clock:
    return door.simulator.device.clock


def set_zone(door: Door, name: str, rule: str) -> None:
    memory = door.simulator.device.firmware.memory
    memory.stage(ZONE_KEY, Zone(name=name, rule=rule))
    memory.commit()


async def told(client: LockClient) -> ClockGetResponse:
    """Return what the lock's clock shows in a fresh session."""
    await client.close()
    return await client.get_clock()


@pytest.mark.parametrize("off", [-2, -1, 0, 1, 2])
def test_a_clock_that_is_right_is_left_alone(off: int, settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        settings.clear()
        clock(door).show(EPOCH + off)
        assert (await told(door.client())).time == EPOCH + off
        assert settings == []

    run(scenario())


@pytest.mark.parametrize("off", [-EPOCH, -100_000, -3, 3, 300])
def test_a_clock_that_is_more_than_two_seconds_wrong_is_set(off: int, settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        settings.clear()
        clock(door).show(EPOCH + off)
        assert (await told(door.client())).time == EPOCH
        assert settings == [ClockSetRequest(time=EPOCH, force=False, zone="UTC", rule="UTC0")]

    run(scenario())


def test_a_crystal_of_twenty_ppm_is_corrected_on_the_second_day(settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        settings.clear()
        client = door.client()
        clock(door).show(EPOCH)
        door.simulator.drift_clock(-20)
        for day, corrections in ((1, 0), (2, 1), (3, 1), (4, 2)):
            await asyncio.sleep(day * DAY - virtual_loop().time())
            await told(client)
            assert len(settings) == corrections
            assert abs(clock(door).epoch - door.now()) <= 2

    run(scenario())


def test_a_clock_that_is_not_trusted_is_set_even_where_it_is_right(settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        settings.clear()
        clock(door).trusted = False
        assert (await told(door.client())).state is ClockState.TRUSTED
        assert len(settings) == 1

    run(scenario())


def test_a_step_back_of_more_than_five_minutes_is_left_to_a_person_and_the_request_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        door = await open_door()
        clock(door).show(EPOCH + 301)
        client = door.client()
        assert (await told(client)).time == EPOCH + 301
        (entry,) = caplog.records
        assert entry.levelname == "WARNING"
        assert entry.getMessage().startswith(
            "The lock's clock was not corrected. The lock refused: The clock goes back"
        )
        await client.set_clock("UTC", force=True)
        caplog.clear()
        assert (await told(client)).time == EPOCH
        assert caplog.records == []

    run(scenario())


def test_a_rule_that_is_out_of_date_is_refreshed_and_its_zone_is_kept(settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        client = door.client()
        await client.set_clock("Europe/Warsaw", force=False)
        settings.clear()
        assert (await told(client)).rule == WARSAW
        assert settings == []
        set_zone(door, "Europe/Warsaw", "CET-1")
        assert (await told(client)).rule == WARSAW
        assert [(asked.zone, asked.rule) for asked in settings] == [("Europe/Warsaw", WARSAW)]

    run(scenario())


def test_a_rule_of_a_zone_that_this_host_does_not_know_is_kept(settings: list[ClockSetRequest]) -> None:
    async def scenario() -> None:
        door = await open_door()
        set_zone(door, "Mars/Olympus", "<+01>-1")
        settings.clear()
        clock(door).show(EPOCH - 10)
        answer = await told(door.client())
        assert (answer.zone, answer.rule, answer.time) == ("Mars/Olympus", "<+01>-1", EPOCH)
        assert len(settings) == 1

    run(scenario())


def test_a_lock_without_a_clock_is_asked_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        door = await open_door()
        monkeypatch.setattr(Requests, "get_clock", lambda *_: Refusal(status=Status.UNSUPPORTED))
        assert await door.client().ping(b"still here") == b"still here"

    run(scenario())


@pytest.mark.parametrize("lost", [{2, 3, 4}, {3, 4, 5}], ids=["getting", "setting"])
def test_a_session_that_ends_while_its_clock_is_corrected_is_made_again(
    lost: set[int], settings: list[ClockSetRequest]
) -> None:
    async def scenario() -> None:
        door = await open_door()
        settings.clear()
        clock(door).show(0)
        door.wrap = lambda link: Losing(link, answers=lost)
        assert await door.client().ping(b"?") == b"?"
        assert len(settings) == 1
        assert clock(door).epoch == pytest.approx(door.now(), abs=1)

    run(scenario())
