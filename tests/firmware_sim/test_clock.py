"""The clock and the zone: set by a peer, moved by a hand, lost, and never believed without a peer's word."""

from dataclasses import replace

import pytest

from firmware_sim.clock import MAX_TIME, Clock
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.vocabulary import ClockState, Rule, Status
from tests.firmware_sim.bench import ANNA, Bench, Bridge, peer_of

NOW = 1_800_000_000
SET = ClockSetRequest(time=NOW, force=False, zone="Europe/Warsaw", rule="CET-1CEST,M3.5.0,M10.5.0/3")


def lock() -> tuple[Bench, Bridge]:
    bench = Bench()
    return bench, peer_of(bench)


def told(bridge: Bridge) -> ClockGetResponse:
    return bridge.told(ClockGetRequest(), ClockGetResponse)


def refusal(rule: Rule) -> Refusal:
    return Refusal(status=Status.INVALID, rule=rule)


def test_a_new_lock_knows_neither_time_nor_zone() -> None:
    bench, bridge = lock()
    bench.wait(5)
    assert told(bridge) == ClockGetResponse(state=ClockState.UNTRUSTED, time=5, zone="UTC", rule="UTC0")


def test_a_clock_that_was_set_runs_and_is_trusted() -> None:
    bench, bridge = lock()
    bench.wait(100)
    bridge.ask(SET)
    bench.wait(3599.9)
    assert told(bridge) == ClockGetResponse(state=ClockState.TRUSTED, time=NOW + 3599, zone=SET.zone, rule=SET.rule)


def test_time_and_zone_survive_a_loss_of_power_at_which_the_clock_runs_on() -> None:
    bench, bridge = lock()
    bridge.ask(SET)
    bench.power_cycle()
    bench.wait(10)
    bridge.connect()
    assert told(bridge) == ClockGetResponse(state=ClockState.TRUSTED, time=NOW + 10, zone=SET.zone, rule=SET.rule)


def test_a_lock_that_starts_with_a_clock_that_stood_still_does_not_believe_it() -> None:
    bench, bridge = lock()
    bridge.ask(SET)
    bridge.bench = Bench(flash=bench.flash)
    bridge.connect()
    assert told(bridge) == ClockGetResponse(state=ClockState.UNTRUSTED, time=NOW, zone=SET.zone, rule=SET.rule)


# --- steps ---


@pytest.mark.parametrize(("back", "taken"), [(-1000, True), (0, True), (300, True), (301, False), (NOW - 1, False)])
def test_a_step_back_of_more_than_five_minutes_needs_force(back: int, taken: bool) -> None:
    _, bridge = lock()
    bridge.ask(SET)
    earlier = replace(SET, time=NOW - back)
    if taken:
        assert bridge.ask(earlier) == ClockSetResponse(list_version=2)
        assert told(bridge).time == NOW - back
    else:
        assert bridge.ask(earlier) == refusal(Rule.CLOCK_STEP_BACK)
        assert told(bridge).time == NOW
        assert bridge.ask(replace(earlier, force=True)) == ClockSetResponse(list_version=2)
        assert told(bridge).time == NOW - back


def test_an_untrusted_clock_may_go_back_as_far_as_it_has_to() -> None:
    bench, bridge = lock()
    bench.show(NOW)
    assert bridge.ask(replace(SET, time=1)) == ClockSetResponse(list_version=2)
    assert (told(bridge).time, told(bridge).state) == (1, ClockState.TRUSTED)


# --- rules ---


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (replace(SET, time=0), Rule.CLOCK_TIME),
        (replace(SET, zone=""), Rule.ZONE_NAME),
        (replace(SET, zone="Z" * 65), Rule.ZONE_NAME),
        (replace(SET, zone="Europe/\nWarsaw"), Rule.ZONE_NAME),
        (replace(SET, zone="Europe/\x7f"), Rule.ZONE_NAME),
        (replace(SET, rule=""), Rule.ZONE_RULE),
        (replace(SET, rule="Europe/Warsaw"), Rule.ZONE_RULE),
        (replace(SET, rule="CET-1CEST"), Rule.ZONE_RULE),
        (replace(SET, rule="CET-1CEST,M13.5.0,M10.5.0"), Rule.ZONE_RULE),
        (replace(SET, rule="CET-1CEST,M3.5.0,M10.5.0/3" + "0" * 60), Rule.ZONE_RULE),
        (replace(SET, time=0, zone="", rule=""), Rule.CLOCK_TIME),
        (replace(SET, zone="", rule=""), Rule.ZONE_NAME),
        (replace(SET, time=1, rule=""), Rule.ZONE_RULE),
    ],
)
def test_a_broken_rule_is_named_and_nothing_changes(request_: ClockSetRequest, rule: Rule) -> None:
    bench, bridge = lock()
    bridge.ask(SET)
    before, flash = told(bridge), bench.bytes()
    for force in (False, True):
        assert bridge.ask(replace(request_, force=force)) == refusal(rule)
    assert (told(bridge), bench.bytes()) == (before, flash)


@pytest.mark.parametrize("zone", ["Z", "Z" * 64, "America/Argentina/ComodRivadavia", "~ !"])
def test_a_zone_s_name_is_kept_and_not_interpreted(zone: str) -> None:
    _, bridge = lock()
    bridge.ask(replace(SET, zone=zone))
    assert told(bridge).zone == zone


# --- the list version ---


def test_a_new_zone_or_rule_moves_the_list_version_and_a_new_time_does_not() -> None:
    bench, bridge = lock()
    bridge.created(ANNA)
    moves = [
        (SET, 3),
        (replace(SET, time=NOW + 1000), 3),
        (replace(SET, zone="Europe/Berlin"), 4),
        (replace(SET, zone="Europe/Berlin", rule="CET-1"), 5),
        (replace(SET, zone="Europe/Berlin", rule="CET-1"), 5),
    ]
    for request, version in moves:
        assert bridge.ask(replace(request, force=True)) == ClockSetResponse(list_version=version)
        assert bench.list_version == version
    bench.power_cycle()
    assert bench.list_version == 5


# --- the hands of the clock ---


def test_the_hands_are_moved_from_the_moment_at_which_somebody_moves_them() -> None:
    bench, bridge = lock()
    bridge.ask(SET)
    bench.wait(3600)  # nothing has happened at the lock for an hour
    bench.show(NOW)
    bench.wait(10)
    assert (told(bridge).time, told(bridge).state) == (NOW + 10, ClockState.TRUSTED)
    bench.wait(3600)
    bench.show(None)
    bench.wait(10)
    assert (told(bridge).time, told(bridge).state) == (NOW + 10, ClockState.UNTRUSTED)


def test_showing_another_time_leaves_trust_as_it_is_and_losing_it_does_not() -> None:
    clock = Clock()
    clock.show(NOW)
    assert (clock.epoch, clock.trusted) == (NOW, False)
    clock.set(NOW)
    clock.show(5)
    assert (clock.epoch, clock.trusted) == (5, True)
    clock.lose()
    assert (clock.epoch, clock.trusted) == (0, False)


def test_a_clock_stays_within_what_the_wire_can_carry() -> None:
    clock = Clock()
    clock.set(MAX_TIME - 1)
    for seconds, shown in ((0, MAX_TIME - 1), (1, MAX_TIME), (10**6, MAX_TIME)):
        clock.advance(seconds * 10**9)
        assert clock.epoch == shown


def test_a_driver_whose_time_runs_backwards_does_not_turn_the_clock_back() -> None:
    clock = Clock()
    clock.advance(10 * 10**9)
    clock.set(NOW)
    clock.advance(0)
    assert clock.epoch == NOW
    clock.advance(11 * 10**9)
    assert clock.epoch == NOW + 1
