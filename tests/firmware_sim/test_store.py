"""The store against a dict, when full, and against every flipped bit of its flash."""

import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.errors import PowerCut, StoreDamaged, StoreFull, StoreTooNew
from firmware_sim.failing_flash import Tear
from firmware_sim.flash import Geometry, NorFlash
from firmware_sim.record_log import Damage
from firmware_sim.store import MAX_KEY, MAX_VALUE, Region, Store
from tests.firmware_sim.flashes import (
    REGION,
    SMALL,
    START,
    STOP,
    Changes,
    Values,
    changed,
    cut_flash,
    flash_of,
    mounted,
    raw,
)

# --- a store is a dict that outlives its process ---


def test_a_blank_region_mounts_empty() -> None:
    _, store = mounted()
    assert (store.items(), store.get(1), store.damage) == ([], None, Damage())
    assert store.damage.sentence == ""


def test_values_come_back_in_the_order_of_keys_after_a_boot() -> None:
    flash, store = mounted({9: b"nine", 1: b""}, {MAX_KEY: b"\xff" * 5, 9: None, 0: b"zero"})
    expected = [(0, b"zero"), (1, b""), (MAX_KEY, b"\xff" * 5)]
    assert store.items() == expected
    again = Store.mount(flash, REGION)
    assert (again.items(), again.get(0), again.get(9)) == (expected, b"zero", None)


KEYS = st.integers(0, 4)
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(max_size=24), max_size=4)


@given(st.lists(CHANGES | st.just("boot"), max_size=40))
def test_the_store_equals_a_dict_through_commits_and_boots(steps: list[Changes | str]) -> None:
    flash, store = mounted()
    model: Values = {}
    for step in steps:
        if isinstance(step, str):
            store = Store.mount(flash, REGION)
            assert store.damage == Damage()
        else:
            store.commit(step)
            model = changed(model, step)
        assert dict(store.items()) == model


def test_an_empty_commit_programs_nothing() -> None:
    flash, store = mounted({1: b"one"})
    operations = flash.operations
    store.commit({})
    assert flash.operations == operations


@pytest.mark.parametrize("changes", [{-1: b""}, {MAX_KEY + 1: None}, {2: b"ok", 1: bytes(MAX_VALUE + 1)}])
def test_keys_and_values_out_of_bounds_are_refused_whole(changes: Changes) -> None:
    _, store = mounted()
    with pytest.raises(ValueError, match="bounds"):
        store.commit(changes)
    assert store.items() == []


def test_a_value_of_the_largest_size_fits() -> None:
    flash = NorFlash(Geometry())
    region = Region(first_page=1, sectors=3, pages_per_sector=7)
    Store.mount(flash, region).commit({1: b"v" * MAX_VALUE})
    assert Store.mount(flash, region).get(1) == b"v" * MAX_VALUE


@pytest.mark.parametrize("shape", [(-1, 3, 1), (0, 2, 1), (0, 3, 0)])
def test_a_region_has_three_sectors_at_least(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="three sectors"):
        Region(first_page=shape[0], sectors=shape[1], pages_per_sector=shape[2])


def test_commits_wear_all_sectors_alike_and_nothing_outside_of_them() -> None:
    flash = NorFlash(SMALL)
    flash.program(0, b"factory!")
    store = Store.mount(flash, REGION)
    for number in range(300):
        store.commit({number % 3: number.to_bytes(8)})
    assert (flash.wear[0], flash.wear[7]) == (0, 0)
    assert flash.read(0, START) == b"factory!".ljust(START, b"\xff")
    assert max(flash.wear[1:7]) - min(flash.wear[1:7]) <= 2
    assert min(flash.wear[1:7]) > 10


def test_the_format_of_today_stays_readable() -> None:
    """Frozen bytes: do not change this test, raise the version instead."""
    log = bytes.fromhex(
        "4c575354 01000000 01000000 feffffff 993d2ed3"  # the header of generation 1
        "4f4b0000 33924026 454e442e"  # COMPLETE
        "43480300 01000300 02000200 03000400 1d31d035"  # put three values
        "6f6e65ff 81631c2e 7477ffff 6413596a 00000000 00000000 454e442e"
        "43480100 0300ffff 534fb11e 454e442e"  # remove the third
    )
    flash, _ = mounted({1: b"one", 2: b"tw", 3: b"gone"}, {3: None})
    assert flash.read(START, len(log)) == log
    assert Store.mount(flash, REGION).items() == [(1, b"one"), (2, b"tw")]


# --- full ---


def fill(store: Store) -> int:
    for key in count():
        try:
            store.commit({key: b"filling!"})
        except StoreFull:
            return key
    raise AssertionError


def test_a_full_store_refuses_and_touches_nothing() -> None:
    flash, store = mounted()
    key = fill(store)
    operations, items = flash.operations, store.items()
    with pytest.raises(StoreFull, match="full"):
        store.commit({0: b"changed", key: b"too much"})
    assert (flash.operations, store.items()) == (operations, items)
    assert Store.mount(flash, REGION).items() == items


def test_a_full_store_can_still_remove_and_replace() -> None:
    flash, store = mounted()
    key = fill(store)
    store.commit({0: b"replaced"})
    store.commit({1: None, key: b"filling!"})
    store.commit(dict.fromkeys(range(2, key)))
    assert Store.mount(flash, REGION).items() == [(0, b"replaced"), (key, b"filling!")]


def test_what_one_commit_can_hold_every_boot_can_copy() -> None:
    flash, store = mounted()
    with pytest.raises(StoreFull):
        store.commit(dict.fromkeys(range(18), b""))  # one record of 18 fits a sector, 18 copies do not
    store.commit(dict.fromkeys(range(9), b""))
    assert len(Store.mount(flash, REGION).items()) == 9


# --- secrets ---


def test_a_replaced_or_removed_value_leaves_nothing_behind() -> None:
    def history(secret: bytes) -> bytes:
        flash, store = mounted({1: secret, 2: b"neighbour"}, {1: b"successor"}, {3: secret}, {3: None, 4: b"other"})
        assert store.items() == [(1, b"successor"), (2, b"neighbour"), (4, b"other")]
        return raw(flash)

    assert history(b"11223344") == history(b"98765432")


@pytest.mark.parametrize("boots", range(3))
def test_a_removed_value_is_in_no_sector_after_compaction(boots: int) -> None:
    flash, store = mounted({1: b"canary-0123"})
    for _ in range(boots):
        store = Store.mount(flash, REGION)
    store.commit({1: None})
    assert b"canary" not in raw(flash)


# --- damage ---

HISTORY: Sequence[Changes] = (
    {1: b"first-1", 2: b"first-2"},
    {1: b"second-1"},
    {3: b"third-3", 4: b"", 2: None},
    {5: b"fourth-5"},
    {3: b"fifth-3"},
    {6: b"sixth-6", 7: b"sixth-7"},
)
CURRENT = {1: b"second-1", 3: b"fifth-3", 4: b"", 5: b"fourth-5", 6: b"sixth-6", 7: b"sixth-7"}


def assert_nothing_invented(image: bytes) -> None:
    """Mounting finds values that hold now, tells of any that are missing, or refuses and changes nothing."""
    flash = flash_of(image)
    try:
        store = Store.mount(flash, REGION)
    except StoreDamaged:
        assert raw(flash) == image
        return
    assert set(store.items()) <= CURRENT.items()
    assert dict(store.items()) == CURRENT or store.damage.sentence


def damaged_images(smash: Callable[[int], Iterator[int]]) -> Iterator[bytes]:
    flash, store = mounted(*HISTORY)
    assert dict(store.items()) == CURRENT
    image = bytearray(raw(flash))
    for at in range(START, STOP):
        intact = image[at]
        for image[at] in smash(intact):
            yield bytes(image)
        image[at] = intact


def test_a_flipped_bit_never_invents_a_value_and_never_loses_one_silently() -> None:
    for image in damaged_images(lambda byte: (byte ^ 1 << bit for bit in range(8))):
        assert_nothing_invented(image)


def test_a_smashed_byte_never_invents_a_value_and_never_loses_one_silently() -> None:
    for image in damaged_images(lambda byte: iter((0x00, 0xFF, byte ^ 0xFF))):
        assert_nothing_invented(image)


@given(at=st.integers(START, STOP - 1), smashed=st.binary(min_size=1, max_size=200))
def test_smashed_stretches_never_invent_a_value(at: int, smashed: bytes) -> None:
    flash, _ = mounted(*HISTORY)
    image = bytearray(raw(flash))
    image[at : at + len(smashed)] = smashed
    revived = flash_of(bytes(image[: SMALL.size]))
    try:
        assert set(Store.mount(revived, REGION).items()) <= CURRENT.items()
    except StoreDamaged:
        assert raw(revived) == image[: SMALL.size]


def test_damage_to_one_record_keeps_the_later_ones_and_revives_nothing() -> None:
    flash, _ = mounted({1: b"old"}, {1: None, 2: b"lost"}, {3: b"intact"})
    image = bytearray(raw(flash))
    image[image.index(b"lost") - 4] ^= 0x10  # the CRC of the record that removed 1
    flash = flash_of(bytes(image))
    store = Store.mount(flash, REGION)
    assert store.items() == [(3, b"intact")]
    assert store.damage == Damage(lost_values=1, unreadable_bytes=28)
    assert "lost values: 1, unreadable bytes: 28" in store.damage.sentence
    again = Store.mount(flash, REGION)
    assert (again.items(), again.damage) == (store.items(), Damage())


def test_a_damaged_complete_costs_nothing_though_the_boot_that_finds_it_loses_power() -> None:
    flash, _ = mounted(*HISTORY)
    image = bytearray(raw(flash))
    image[image.index(b"OK")] ^= 1
    for cut in count(1):
        inner = flash_of(bytes(image))
        try:
            store = Store.mount(cut_flash(inner, cut, Tear.RANDOM), REGION)
        except PowerCut:
            store = Store.mount(inner, REGION)
            assert dict(store.items()) == CURRENT
        else:
            assert dict(store.items()) == CURRENT
            assert store.damage == Damage(unreadable_bytes=12)
            return


def test_a_copy_cut_short_is_no_substitute_for_a_sector_that_cannot_be_read() -> None:
    inner, _ = mounted(*HISTORY)
    header = raw(inner).index(b"LWST")
    with pytest.raises(PowerCut):
        Store.mount(cut_flash(inner, 40, Tear.RANDOM), REGION)
    image = bytearray(raw(inner))
    image[header] ^= 1
    flash = flash_of(bytes(image))
    with pytest.raises(StoreDamaged, match="no readable sector"):
        Store.mount(flash, REGION)
    assert raw(flash) == image


@given(st.binary(min_size=1, max_size=STOP - START))
def test_foreign_bytes_are_refused_and_left_alone(junk: bytes) -> None:
    image = (b"\xff" * START + junk).ljust(SMALL.size, b"\xff")
    flash = flash_of(image)
    try:
        assert Store.mount(flash, REGION).items() == []
        assert image.count(0xFF) > SMALL.size - 32  # no more than a format cut short
    except StoreDamaged:
        assert raw(flash) == image


def flash_with_header(version: int, generation: int, inverse: int) -> NorFlash:
    header = struct.pack("<4sIII", b"LWST", version, generation, inverse)
    header += struct.pack("<I", crc32(header))
    return flash_of((b"\xff" * 3 * START + header).ljust(SMALL.size, b"\xff"))


def test_a_later_format_is_refused_in_a_sentence_and_left_alone() -> None:
    flash = flash_with_header(2, 7, ~7 & 0xFFFFFFFF)
    before = raw(flash)
    with pytest.raises(StoreTooNew, match="later version"):
        Store.mount(flash, REGION)
    assert raw(flash) == before


def test_a_generation_that_its_inverse_contradicts_is_no_header() -> None:
    with pytest.raises(StoreDamaged):
        Store.mount(flash_with_header(2, 7, 7), REGION)
