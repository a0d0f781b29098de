"""The store on flash that fails: worn, lapsing, and losing power at every single operation."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest

from firmware_sim.errors import FlashWorn
from firmware_sim.flash import WORD, NorFlash
from firmware_sim.store import Damage, Store
from tests.firmware_sim.flashes import (
    REGION,
    SECRETS,
    SMALL,
    START,
    STEPS,
    STOP,
    CutFlash,
    LapsingFlash,
    PowerLoss,
    Values,
    WornFlash,
    all_but_one_bit,
    changed,
    finished,
    half,
    one_bit,
    play,
    raw,
    untouched,
)


def test_worn_flash_is_a_clean_error_and_keeps_what_it_holds() -> None:
    flash = WornFlash(NorFlash(SMALL), endurance=10)
    store = Store.mount(flash, REGION)
    seen: list[Values] = [{}]
    with pytest.raises(FlashWorn, match="worn"):
        count_up(store, seen)
    again = Store.mount(flash, REGION)
    assert dict(store.items()) in seen[-2:]
    assert dict(again.items()) in seen[-2:]
    with pytest.raises(FlashWorn):
        again.commit({0: b"no more"})


def count_up(store: Store, seen: list[Values]) -> None:
    for number in count():
        seen.append(changed(seen[-1], {number % 3: number.to_bytes(8)}))
        store.commit({number % 3: number.to_bytes(8)})


def test_a_dead_word_anywhere_costs_no_acknowledged_value() -> None:
    met = sum(meets_dead_word(dead) for dead in range(START, STOP, WORD))
    assert met > 100


def meets_dead_word(dead: int) -> bool:
    flash = WornFlash(NorFlash(SMALL), dead=dead)
    seen: list[Values] = [{}]
    try:
        play(flash, seen)
    except FlashWorn:
        if seen != [{}]:  # otherwise not even the first format succeeded
            assert dict(Store.mount(flash, REGION).items()) in seen[-2:]
        return True
    return False


def test_a_store_recovers_from_a_lapse_of_its_flash_at_any_operation() -> None:
    fresh = NorFlash(SMALL)
    Store.mount(fresh, REGION)
    failed = [fails_and_recovers(lapse) for lapse in range(fresh.operations + 1, 500)]
    assert failed.count(True) > 100
    assert not failed[-1]


def fails_and_recovers(lapse: int) -> bool:
    inner = NorFlash(SMALL)
    flash = LapsingFlash(inner, lapse)
    store, possible, failed = Store.mount(flash, REGION), [Values()], False
    for step in filter(None, STEPS):
        after = changed(dict(store.items()), step)
        try:
            store.commit(step)
            possible = [after]
        except FlashWorn:
            possible = [dict(store.items()), after]
            failed = True
        assert dict(store.items()) in possible
    assert_recovers(inner, possible)
    return failed


def test_a_commit_after_a_failed_compaction_is_not_lost_in_the_old_sector() -> None:
    for lapse in range(50, 150):
        inner = NorFlash(SMALL)
        store = Store.mount(LapsingFlash(inner, lapse), REGION)
        values: Values = {}
        for changes in (*[{1: b"long" * 6}] * 4, {2: b"long" * 10}, {3: b"short"}):
            with suppress(FlashWorn):
                store.commit(changes)
                values |= changes
        assert values.items() <= dict(Store.mount(inner, REGION).items()).items()


def test_the_scenario_compacts_within_a_commit() -> None:
    flash = NorFlash(SMALL)
    seen: list[Values] = [{}]
    play(flash, seen)
    assert min(flash.wear[1:7]) > 0  # two boots alone would leave the third sector new


@pytest.mark.parametrize("tear", [untouched, one_bit, half, all_but_one_bit, finished])
def test_power_lost_at_any_operation_leaves_the_state_before_or_after(tear: Callable[[int, int], int]) -> None:
    for cut in count(1):
        inner = NorFlash(SMALL)
        seen: list[Values] = [{}]
        try:
            play(CutFlash(inner, cut, tear), seen)
        except PowerLoss:
            assert_recovers(inner, seen[-2:])
        else:
            assert cut > 100
            return


def assert_recovers(flash: NorFlash, allowed: list[Values]) -> None:
    store = Store.mount(flash, REGION)
    values = dict(store.items())
    assert values in allowed
    assert store.damage == Damage()
    gone = set(SECRETS) - set(values.values())
    assert not [secret for secret in gone if secret in raw(flash)]
    store.commit({9: b"goes on"})
    assert dict(Store.mount(flash, REGION).items()) == {**values, 9: b"goes on"}
