"""Pins asked for in real sessions: ids, slots, duplicates, rules, list versions and pages."""

import itertools
from dataclasses import replace

import pytest

from firmware_sim.records import LEDGER_KEY, MAX_SLOTS, Ledger
from protocol.codec import build, encode_answer, encode_request
from protocol.messages.declaration import Refusal
from protocol.messages.device import InfoRequest, InfoResponse
from protocol.messages.pins import (
    PinClearResponse,
    PinCreateResponse,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinListResponse,
    PinUpdateResponse,
)
from protocol.messages.records import PIN_SUMMARY
from protocol.registry import BY_REQUEST
from protocol.version import CRC_SIZE, HEADER_SIZE, TAG_SIZE
from protocol.vocabulary import PinEntry, PinSummary, Rule, Schedule, Status, Weekdays, Window
from tests.firmware_sim.bench import ANNA, BOB, CARL, DORA, Bench, Bridge, peer_of

FULL = Refusal(status=Status.FULL)
EXISTS = Refusal(status=Status.EXISTS)
NOT_FOUND = Refusal(status=Status.NOT_FOUND)
CHANGED = Refusal(status=Status.CHANGED)

NIGHT = Window(weekdays=Weekdays.FRIDAY, start=22 * 60, end=6 * 60)
SCHEDULED = PinEntry(
    digits="01357",
    alias="Gäste 🔑",
    enabled=False,
    schedule=Schedule(valid_from=1_700_000_000, valid_until=1_800_000_000, windows=(NIGHT, replace(NIGHT, end=1440))),
)


def lock(slots: int = 3) -> tuple[Bench, Bridge]:
    bench = Bench(slots=slots)
    return bench, peer_of(bench)


def set_ledger(bench: Bench, ledger: Ledger) -> None:
    """Let the lock have given ids and list versions for years."""
    bench.device.firmware.memory.stage(LEDGER_KEY, ledger)
    bench.device.firmware.memory.commit()


def entries(count: int) -> list[PinEntry]:
    """So many pins with different digits that break no rule."""
    return [PinEntry(digits=f"1357{number:04}", alias=f"Guest {number}") for number in range(count)]


def test_a_pin_comes_back_as_it_was_sent() -> None:
    _, bridge = lock()
    assert bridge.create(SCHEDULED) == PinCreateResponse(id=1, list_version=2)
    assert bridge.ask(PinGetRequest(id=1)) == PinGetResponse(list_version=2, entry=SCHEDULED)
    assert bridge.listed() == [
        PinSummary(id=1, alias=SCHEDULED.alias, enabled=False, schedule=SCHEDULED.schedule),
    ]


def test_pins_survive_a_loss_of_power() -> None:
    bench, bridge = lock()
    bridge.created(SCHEDULED)
    bench.power_cycle()
    bridge.connect()
    assert bridge.ask(PinGetRequest(id=1)) == PinGetResponse(list_version=2, entry=SCHEDULED)


# --- ids ---


def test_ids_start_at_one_and_are_never_given_twice_in_a_row() -> None:
    bench, bridge = lock()
    assert [bridge.created(entry) for entry in (ANNA, BOB)] == [1, 2]
    bridge.delete(2)
    assert bridge.created(BOB) == 3
    bridge.clear()
    bench.power_cycle()
    bridge.connect()
    assert bridge.created(BOB) == 4


def test_ids_wrap_from_the_last_to_one_and_skip_those_in_use() -> None:
    bench, bridge = lock(slots=5)
    assert [bridge.created(entry) for entry in (ANNA, BOB)] == [1, 2]
    set_ledger(bench, Ledger(list_version=3, last_id=65533))
    third = PinEntry(digits="13579", alias="third")
    assert [bridge.created(entry) for entry in (CARL, DORA, third)] == [65534, 65535, 3]


def test_a_refused_create_costs_no_id() -> None:
    _, bridge = lock()
    bridge.created(ANNA)
    assert bridge.create(ANNA) == EXISTS
    assert bridge.created(BOB) == 2


# --- slots ---


@pytest.mark.parametrize("slots", [1, 2, 7, MAX_SLOTS])
def test_exactly_as_many_pins_fit_as_there_are_slots(slots: int) -> None:
    _, bridge = lock(slots)
    *fitting, one_too_many = entries(slots + 1)
    assert [bridge.created(entry) for entry in fitting] == list(range(1, slots + 1))
    assert bridge.create(one_too_many) == FULL
    assert len(bridge.listed()) == slots
    bridge.delete(1)
    assert bridge.created(one_too_many) == slots + 1
    assert bridge.create(fitting[0]) == FULL


def test_a_full_lock_still_says_that_a_pin_exists_and_still_updates() -> None:
    _, bridge = lock(slots=1)
    bridge.created(ANNA)
    assert bridge.create(ANNA) == EXISTS
    assert bridge.update(1, BOB) == PinUpdateResponse(list_version=3)


def test_a_lock_that_has_been_given_fewer_slots_keeps_its_pins_and_takes_no_more() -> None:
    bench, bridge = lock(slots=3)
    for entry in (ANNA, BOB, CARL):
        bridge.created(entry)
    smaller = Bench(flash=bench.flash, slots=2, now_ns=bench.now_ns)
    bridge.bench = smaller
    bridge.connect()
    assert len(bridge.listed()) == 3
    for pin_id in (1, 2):
        assert bridge.create(DORA) == FULL
        bridge.delete(pin_id)
    assert bridge.created(DORA) == 4
    assert bridge.create(ANNA) == FULL


# --- duplicates ---


@pytest.mark.parametrize(
    "first",
    [ANNA, replace(ANNA, enabled=False), replace(ANNA, schedule=Schedule(valid_until=1))],
    ids=["open", "disabled", "expired"],
)
def test_digits_of_another_pin_are_refused_in_create_and_update(first: PinEntry) -> None:
    bench, bridge = lock()
    bridge.created(first)
    bridge.created(BOB)
    before = bench.bytes()
    assert bridge.create(replace(ANNA, alias="else")) == EXISTS
    assert bridge.update(2, replace(ANNA, alias="else")) == EXISTS
    assert bench.bytes() == before


def test_leading_zeros_make_other_digits() -> None:
    _, bridge = lock()
    assert [bridge.created(replace(ANNA, digits=digits)) for digits in ("97531", "097531", "0097531")] == [1, 2, 3]


def test_an_update_may_keep_its_own_digits_and_a_deleted_pin_frees_them() -> None:
    bench, bridge = lock()
    bridge.created(ANNA)
    assert bridge.update(1, replace(ANNA, alias="Anna B")) == PinUpdateResponse(list_version=3)
    assert bridge.update(1, BOB) == PinUpdateResponse(list_version=4)
    assert (bench.opens(ANNA.digits), bench.opens(BOB.digits)) == (False, True)
    assert bridge.created(ANNA) == 2
    assert bridge.delete(2) == PinDeleteResponse(list_version=6)
    assert not bench.opens(ANNA.digits)
    assert bridge.created(ANNA) == 3


def test_an_update_replaces_everything_but_the_id() -> None:
    _, bridge = lock()
    bridge.created(SCHEDULED)
    bridge.update(1, ANNA)
    assert bridge.ask(PinGetRequest(id=1)) == PinGetResponse(list_version=3, entry=ANNA)


# --- rules ---


def windows(*given: tuple[int, int, int]) -> Schedule:
    return Schedule(windows=tuple(Window(weekdays=Weekdays(days), start=at, end=to) for days, at, to in given))


BROKEN = [
    (replace(ANNA, digits=""), Rule.DIGITS_LENGTH),
    (replace(ANNA, digits="1357"), Rule.DIGITS_LENGTH),
    (replace(ANNA, digits="135791357"), Rule.DIGITS_LENGTH),
    (replace(ANNA, digits="12a45"), Rule.DIGITS_DECIMAL),
    (replace(ANNA, digits=" 9753"), Rule.DIGITS_DECIMAL),
    (replace(ANNA, digits="11122"), Rule.DIGITS_VARIETY),
    (replace(ANNA, digits="12345"), Rule.DIGITS_SEQUENCE),
    (replace(ANNA, digits="98765"), Rule.DIGITS_SEQUENCE),
    (replace(ANNA, alias=""), Rule.ALIAS_LENGTH),
    (replace(ANNA, alias="ä" * 16 + "a"), Rule.ALIAS_LENGTH),
    (replace(ANNA, alias="An\nna"), Rule.ALIAS_CONTROL),
    (replace(ANNA, schedule=Schedule(valid_from=5, valid_until=5)), Rule.VALIDITY_ORDER),
    (replace(ANNA, schedule=windows(*[(1, 0, 60)] * 5)), Rule.WINDOW_COUNT),
    (replace(ANNA, schedule=windows((0, 0, 60))), Rule.WINDOW_WEEKDAYS),
    (replace(ANNA, schedule=windows((1, 0, 60), (128, 0, 60))), Rule.WINDOW_WEEKDAYS),
    (replace(ANNA, schedule=windows((1, 0, 1441))), Rule.WINDOW_TIMES),
    (replace(ANNA, schedule=windows((127, 60, 60))), Rule.WINDOW_TIMES),
    (replace(ANNA, digits="12x", alias="", schedule=Schedule(valid_from=5, valid_until=5)), Rule.DIGITS_DECIMAL),
]
NOT_OF_PINS = {Rule.MALFORMED, Rule.CLOCK_TIME, Rule.CLOCK_STEP_BACK, Rule.ZONE_NAME, Rule.ZONE_RULE}


def test_the_broken_pins_break_every_rule_of_pins() -> None:
    assert {rule for _, rule in BROKEN} == set(Rule) - NOT_OF_PINS


@pytest.mark.parametrize(("entry", "rule"), BROKEN)
def test_a_broken_rule_is_named_and_nothing_changes(entry: PinEntry, rule: Rule) -> None:
    bench, bridge = lock()
    bridge.created(BOB)
    before = bench.bytes()
    refusal = Refusal(status=Status.INVALID, rule=rule)
    assert bridge.create(entry) == refusal
    assert bridge.update(1, entry) == refusal
    assert (bench.bytes(), bench.list_version, bench.opens(BOB.digits)) == (before, 2, True)
    assert bridge.created(CARL) == 2


def test_a_pin_that_nobody_has_is_not_found_whatever_else_is_wrong() -> None:
    bench, bridge = lock()
    bridge.created(ANNA)
    before = bench.bytes()
    for pin_id in (0, 2, 65535):
        assert bridge.ask(PinGetRequest(id=pin_id)) == NOT_FOUND
        assert bridge.delete(pin_id) == NOT_FOUND
        assert bridge.update(pin_id, ANNA) == NOT_FOUND
        assert bridge.update(pin_id, replace(ANNA, digits="1")) == NOT_FOUND
    assert bench.bytes() == before


# --- list versions ---


def test_the_list_version_moves_by_one_with_each_change_and_with_nothing_else() -> None:
    bench, bridge = lock()
    assert bench.list_version == 1
    assert bridge.create(ANNA) == PinCreateResponse(id=1, list_version=2)
    assert bridge.update(1, ANNA) == PinUpdateResponse(list_version=3)
    assert bridge.create(ANNA) == EXISTS
    assert bridge.delete(7) == NOT_FOUND
    bridge.listed()
    bench.enter(ANNA.digits)
    assert bridge.ask(PinGetRequest(id=1)) == PinGetResponse(list_version=3, entry=ANNA)
    assert bridge.delete(1) == PinDeleteResponse(list_version=4)
    assert bridge.clear() == PinClearResponse(list_version=5)
    bench.power_cycle()
    assert bench.list_version == 5


def test_the_list_version_wraps_to_one() -> None:
    bench, bridge = lock()
    set_ledger(bench, Ledger(list_version=0xFFFFFFFF))
    assert bridge.create(ANNA) == PinCreateResponse(id=1, list_version=1)


def test_clear_removes_every_pin_at_once() -> None:
    bench, bridge = lock()
    for entry in (ANNA, BOB, CARL):
        bridge.created(entry)
    assert bridge.clear() == PinClearResponse(list_version=5)
    assert bridge.listed() == []
    assert not any(bench.opens(entry.digits) for entry in (ANNA, BOB, CARL))


# --- pages ---

LARGEST = PinEntry(digits="", alias="a" * 32, schedule=windows(*[(127, 0, 1440)] * 4))


def filled(count: int, like: PinEntry) -> Bridge:
    _, bridge = lock(slots=count)
    for entry in entries(count):
        bridge.created(replace(like, digits=entry.digits))
    return bridge


@pytest.mark.parametrize("like", [LARGEST, replace(LARGEST, schedule=Schedule()), replace(ANNA, alias="a")])
@pytest.mark.parametrize("limit", [256, 512])
def test_pages_are_as_full_as_the_frame_limit_in_force_lets_them_be(like: PinEntry, limit: int) -> None:
    bridge = filled(60, like)
    if limit == 512:
        assert bridge.told(InfoRequest(), InfoResponse).max_frame == 512
    pages = bridge.pages()
    assert [pin.id for page in pages for pin in page.pins] == list(range(1, 61))
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
    for page in pages[:-1]:
        size = HEADER_SIZE + len(encode_answer(BY_REQUEST[PinListRequest].opcode, page)) + TAG_SIZE + CRC_SIZE
        assert size <= limit < size + len(build(PIN_SUMMARY, page.pins[-1]))


@pytest.mark.parametrize(("limit", "pins", "rest"), [(256, 6, 24), (512, 13, 21)])
def test_a_page_is_filled_to_its_last_byte(limit: int, pins: int, rest: int) -> None:
    """The last pin's alias has `rest` bytes, so that the page has exactly `limit`; with one more it has to wait."""
    _, bridge = lock(slots=pins)
    for entry in entries(pins):
        bridge.created(replace(entry, alias="a" * 24))
    if limit == 512:
        bridge.ask(InfoRequest())
    for alias, pages in (("a" * rest, 1), ("a" * (rest + 1), 2)):
        bridge.update(pins, replace(ANNA, alias=alias))
        assert len(bridge.pages()) == pages


def test_the_frame_limit_is_that_of_the_session() -> None:
    bridge = filled(30, ANNA)
    short = len(bridge.pages())
    bridge.ask(InfoRequest())
    assert len(bridge.pages()) < short
    bridge.connect()
    assert len(bridge.pages()) == short


def test_no_page_has_digits_in_it() -> None:
    bridge = filled(20, ANNA)
    page = bridge.exchange(encode_request(PinListRequest(after=0, list_version=0)))
    assert not [entry for entry in entries(20) if entry.digits.encode() in page]
    assert b"Anna" in page


def test_a_list_is_in_the_order_of_ids_whatever_slots_they_have() -> None:
    bench, bridge = lock(slots=5)
    for entry in (ANNA, BOB, CARL):
        bridge.created(entry)
    bridge.delete(1)
    set_ledger(bench, Ledger(list_version=5, last_id=65534))
    bridge.created(ANNA)
    bridge.created(DORA)
    assert [(pin.id, pin.alias) for pin in bridge.listed()] == [(1, "Dora"), (2, "Bob"), (3, "Carl"), (65535, "Anna")]


def test_a_page_begins_behind_the_id_that_was_asked_for() -> None:
    _, bridge = lock()
    for entry in (ANNA, BOB, CARL):
        bridge.created(entry)
    for after in range(5):
        page = bridge.told(PinListRequest(after=after, list_version=4), PinListResponse)
        assert [pin.id for pin in page.pins] == [pin_id for pin_id in (1, 2, 3) if pin_id > after]
        assert (page.list_version, page.more) == (4, False)


def test_an_empty_list_is_one_empty_page() -> None:
    _, bridge = lock()
    assert bridge.pages() == [PinListResponse(list_version=1, more=False, pins=())]


def test_a_list_that_moves_under_its_reader_is_answered_as_changed() -> None:
    bridge = filled(30, ANNA)
    first = bridge.pages()[0]
    rest = PinListRequest(after=first.pins[-1].id, list_version=first.list_version)
    assert isinstance(bridge.ask(rest), PinListResponse)
    bridge.delete(30)
    assert bridge.ask(rest) == CHANGED
    assert bridge.ask(replace(rest, list_version=first.list_version + 2)) == CHANGED
    assert len(bridge.listed()) == 29


def test_pairs_of_pins_never_share_an_id() -> None:
    _, bridge = lock(slots=4)
    held: dict[int, str] = {}
    for entry, number in zip(entries(12), itertools.count()):
        if len(held) == 4:
            gone = sorted(held)[number % 4]
            bridge.delete(gone)
            del held[gone]
        held[bridge.created(entry)] = entry.alias
        assert {pin.id: pin.alias for pin in bridge.listed()} == held
