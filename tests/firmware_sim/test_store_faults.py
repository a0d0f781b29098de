"""The store on flash that fails: worn, lapsing, and losing power at every single operation."""

from contextlib import suppress
from itertools import count
from random import Random

import pytest

from firmware_sim.errors import FlashWorn, PowerCut, StoreDamaged
from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.flash import WORD, NorFlash
from firmware_sim.record_log import Damage
from firmware_sim.store import Store
from tests.firmware_sim.flashes import (
    REGION,
    SECRETS,
    SMALL,
    START,
    STEPS,
    STOP,
    Values,
    changed,
    cut_flash,
    drawn,
    play,
    raw,
)


def test_worn_flash_is_a_clean_error_and_keeps_what_it_holds() -> None:
    flash = FailingFlash(NorFlash(SMALL), endurance=10)
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


def test_a_dead_word_anywhere_costs_nothing() -> None:
    for dead in range(START, STOP, WORD):
        flash = FailingFlash(NorFlash(SMALL))
        flash.dead_words = {dead}
        seen: list[Values] = [{}]
        play(flash, seen)
        assert dict(Store.mount(flash, REGION).items()) == seen[-1]


def lapsing(inner: NorFlash, lapse: int) -> FailingFlash:
    flash = FailingFlash(inner)
    flash.lapse_after(lapse)
    return flash


def test_a_lapse_of_flash_at_any_operation_costs_no_commit() -> None:
    whole = NorFlash(SMALL)
    play(whole, [{}])
    for lapse in range(1, whole.operations + 1):
        inner = NorFlash(SMALL)
        store, values = Store.mount(lapsing(inner, lapse), REGION), Values()
        for step in filter(None, STEPS):
            store.commit(step)
            values = changed(values, step)
            assert dict(store.items()) == values
        assert_recovers(inner, [values])


@pytest.mark.parametrize("bad", range(1, 7))
def test_a_store_lives_on_with_a_bad_page(bad: int) -> None:
    flash = FailingFlash(NorFlash(SMALL))
    store, values = Store.mount(flash, REGION), Values({7: b"from before"})
    store.commit(values)
    flash.bad_pages = {bad}
    for step in [*filter(None, STEPS)] * 2:
        store.commit(step)
        values = changed(values, step)
        assert dict(store.items()) == values
        assert dict(Store(flash, REGION).items()) == values


@pytest.mark.parametrize("bad", [{1, 3}, {1, 5}, {3, 5}, {2, 4, 6}, {1, 2, 3, 4, 5, 6}])
def test_flash_without_two_good_sectors_refuses_and_has_changed_nothing(bad: set[int]) -> None:
    flash = FailingFlash(NorFlash(SMALL))
    store, values = Store.mount(flash, REGION), Values({7: b"from before"})
    store.commit(values)
    flash.bad_pages = bad
    refused = 0
    for number in range(40):
        changes: Values = {number % 3: number.to_bytes(8)}
        try:
            store.commit(changes)
            values = changed(values, changes)
        except FlashWorn:
            refused += 1
        assert dict(store.items()) == values
        assert dict(Store(flash, REGION).items()) == values
    assert refused > 20


def test_a_commit_after_a_failed_compaction_is_not_lost_in_the_old_sector() -> None:
    for lapse in range(50, 150):
        inner = NorFlash(SMALL)
        store = Store.mount(lapsing(inner, lapse), REGION)
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


@pytest.mark.parametrize("tear", Tear)
def test_power_lost_at_any_operation_leaves_the_state_before_or_after(tear: Tear) -> None:
    for cut in count(1):
        inner = NorFlash(SMALL)
        seen: list[Values] = [{}]
        try:
            play(cut_flash(inner, cut, tear), seen)
        except PowerCut:
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


class _Stuck(FailingFlash):
    """Flash whose first sector takes programs and no more erases."""

    def erase(self, page: int) -> None:
        if page in REGION.pages(0):
            self.operations += 1
        else:
            super().erase(page)


@pytest.mark.parametrize("tear", Tear)
def test_power_lost_again_and_again_beside_a_sector_that_takes_no_erase_costs_no_value(tear: Tear) -> None:
    values = {1: b"secret-a", 2: b"secret-b"}
    for cut in count(1):
        cuts, inner = 0, NorFlash(SMALL)
        Store.mount(inner, REGION).commit(values)
        for _ in range(3):
            flash = _Stuck(inner)
            flash.cut_after(cut, tear, drawn(cut))
            with suppress(PowerCut):
                Store.mount(flash, REGION)
                continue
            cuts += 1
        store = Store.mount(_Stuck(inner), REGION)
        assert dict(store.items()) == values
        store.commit({1: None})
        again = dict(Store.mount(_Stuck(inner), REGION).items())
        assert again == {2: b"secret-b"}
        if not cuts:
            assert cut > 20
            return


def test_what_was_removed_does_not_come_back_from_a_sector_that_takes_no_erase() -> None:
    inner = NorFlash(SMALL)
    Store.mount(inner, REGION).commit({1: b"secret-a", 2: b"secret-b"})
    store = Store.mount(_Stuck(inner), REGION)
    store.commit({1: None})
    assert b"secret-a" not in raw(inner)
    for page in (*REGION.pages(1), *REGION.pages(2)):
        inner.erase(page)  # and now the sector that holds the truth is gone
    with pytest.raises(StoreDamaged):
        Store.mount(_Stuck(inner), REGION)


def test_pages_that_do_not_keep_what_is_written_are_counted_and_told() -> None:
    flash = FailingFlash(NorFlash(SMALL))
    store = Store.mount(flash, REGION)
    store.commit({1: b"kept"})
    assert store.sentence == ""
    flash.bad_pages = {2, 4, 6}
    with pytest.raises(FlashWorn):
        count_up(store, [{}])
    assert store.sentence == (
        "Since the start, pages of flash did not keep what was written: 3 of 6. Replace the lock if that goes on."
    )
    assert Store(flash, REGION).sentence == ""


def test_flash_that_takes_not_even_a_format_is_a_clean_error() -> None:
    flash = FailingFlash(NorFlash(SMALL))
    flash.bad_pages = set(range(SMALL.pages))
    with pytest.raises(FlashWorn, match="worn"):
        Store.mount(flash, REGION)


def test_wear_and_power_cuts_together_cost_no_value_and_bring_none_back() -> None:
    ended = 0
    for seed in range(1500):
        luck = Random(seed)  # noqa: S311  a test has to repeat itself
        held: list[Values] = [{}]
        flash = FailingFlash(NorFlash(SMALL), endurance=luck.randint(1, 8))
        with suppress(FlashWorn):
            _live(flash, held, luck)
            continue
        ended += 1
        flash.disarm()
        with suppress(FlashWorn):
            assert dict(Store.mount(flash, REGION).items()) in held
    assert ended > 300


def _live(flash: FailingFlash, held: list[Values], luck: Random) -> None:
    """Change a store at random, and lose power at random; `held` is what it may hold at the moment."""
    while flash.operations < 400:
        try:
            store = Store.mount(flash, REGION)
            assert dict(store.items()) in held
            held[:] = [dict(store.items())]
            for _ in range(luck.randint(1, 6)):
                changes = {luck.randint(1, 3): luck.choice((None, luck.randbytes(8)))}
                held.append(changed(held[-1], changes))
                if luck.random() < 0.3:
                    flash.cut_after(luck.randint(1, 12), luck.choice(tuple(Tear)), luck.getrandbits)
                store.commit(changes)
                held[:] = held[-1:]
        except PowerCut:
            continue
