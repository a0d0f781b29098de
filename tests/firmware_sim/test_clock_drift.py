"""The real-time clock's own oscillator: exact over years, never backwards, and as wrong as a crystal is."""

import pytest

from firmware_sim.clock import DAY, MAX_DRIFT, MAX_TIME, NANOSECONDS, Clock
from firmware_sim.events import ClockDrifted
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest
from tests.firmware_sim.bench import Bench, peer_of

NOW = 1_800_000_000


def test_a_drift_is_exact_over_a_year_however_often_the_clock_is_looked_at() -> None:
    year, unwatched, watched = 365 * DAY, Clock(NOW), Clock(NOW)
    for clock in (unwatched, watched):
        clock.drift(-37)
    for minute in range(0, year + 1, 60):
        watched.advance(minute * NANOSECONDS)
        assert watched.epoch == NOW + minute * (1_000_000 - 37) // 1_000_000
    unwatched.advance(year * NANOSECONDS)
    assert unwatched.epoch == watched.epoch == NOW + year - 1167  # 1166.832 s are lost


def test_a_drift_that_changes_loses_no_part_of_a_nanosecond_and_never_turns_the_clock_back() -> None:
    clock, nanoseconds = Clock(NOW), 0.0
    for tick in range(1, 30_001):
        before, ppm = clock.epoch, (-1, 0, 1)[tick % 3]
        clock.drift(ppm)
        assert clock.epoch == before
        clock.advance(tick * 333_333_333)
        assert clock.epoch >= before
        nanoseconds += 333_333_333 * ppm / 1_000_000
    assert abs(nanoseconds) < 0.001  # what was gained was lost again
    clock.drift(0)
    assert clock.when(NOW + 10_000) == 10_000 * NANOSECONDS


@pytest.mark.parametrize("ppm", [-MAX_DRIFT, -20, 0, 20, MAX_DRIFT])
def test_a_clock_tells_the_very_nanosecond_at_which_it_will_show_a_time(ppm: int) -> None:
    clock = Clock(NOW)
    clock.drift(ppm)
    clock.advance(12_345_678_901)
    due = clock.when(NOW + DAY)
    assert due is not None
    clock.advance(due - 1)
    assert clock.epoch == NOW + DAY - 1
    clock.advance(due)
    assert (clock.epoch, clock.when(NOW)) == (NOW + DAY, due)
    assert clock.when(MAX_TIME + 1) is None


@pytest.mark.parametrize(("ppm", "reached"), [(20, DAY - 1.72796), (0, DAY), (-20, DAY + 1.72804)])
def test_a_crystal_of_twenty_ppm_is_off_by_1728_ms_a_day(ppm: int, reached: float) -> None:
    bench = Bench()
    bridge = peer_of(bench)
    bridge.ask(ClockSetRequest(time=NOW, force=False, zone="UTC", rule="UTC0"))
    bench.happen(ClockDrifted(ppm=ppm))
    shown = []
    for seconds in (reached - 0.0001, 0.0002):
        bench.wait(seconds)
        bridge.connect()
        shown.append(bridge.told(ClockGetRequest(), ClockGetResponse).time - NOW)
    assert shown == [DAY - 1, DAY]
