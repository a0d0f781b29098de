"""The store against a dict, full and worn flash, every flipped bit of an image and a power cut at every operation."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.errors import FlashWorn, StoreDamaged, StoreFull, StoreTooNew
from firmware_sim.flash import WORD, Flash, Geometry, NorFlash
from firmware_sim.store import MAX_KEY, MAX_VALUE, Damage, Region, Store

SMALL = Geometry(page_size=128, pages=8)
REGION = Region(first_page=1, sectors=3, pages_per_sector=2)
START, STOP = 128, 7 * 128
Values = dict[int, bytes]
Changes = Mapping[int, bytes | None]


def changed(values: Values, changes: Changes) -> Values:
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def raw(flash: Flash) -> bytes:
    return flash.read(0, flash.geometry.size)


def flash_of(image: bytes) -> NorFlash:
    flash = NorFlash(SMALL)
    for address in range(0, SMALL.size, WORD):
        if (word := image[address : address + WORD]) != b"\xff" * WORD:
            flash.program(address, word)
    return flash


def mounted(*commits: Changes) -> tuple[NorFlash, Store]:
    flash = NorFlash(SMALL)
    store = Store.mount(flash, REGION)
    for changes in commits:
        store.commit(changes)
    return flash, store


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


# --- full and worn ---


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


class WornFlash:
    """Flash whose pages take `endurance` erases and whose word at `dead` takes no program; it never says so."""

    def __init__(self, inner: NorFlash, *, endurance: int = 1_000_000, dead: int = -1) -> None:
        self.inner = inner
        self.geometry = inner.geometry
        self.read = inner.read
        self._endurance = endurance
        self._dead = dead

    def program(self, address: int, data: bytes) -> None:
        for at in range(0, len(data), WORD):
            if address + at != self._dead:
                self.inner.program(address + at, data[at : at + WORD])

    def erase(self, page: int) -> None:
        if self.inner.wear[page] < self._endurance:
            self.inner.erase(page)


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


class LapsingFlash:
    """Flash that silently skips its operation number `lapse`, and works again."""

    def __init__(self, inner: NorFlash, lapse: int) -> None:
        self.geometry = inner.geometry
        self.read = inner.read
        self._inner = inner
        self._left = lapse

    def program(self, address: int, data: bytes) -> None:
        for at in range(0, len(data), WORD):
            if not self._lapses():
                self._inner.program(address + at, data[at : at + WORD])

    def erase(self, page: int) -> None:
        if not self._lapses():
            self._inner.erase(page)

    def _lapses(self) -> bool:
        self._left -= 1
        return self._left == 0


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
    assert store.damage == Damage(lost_values=1, unreadable_bytes=32)
    assert "lost values: 1, unreadable bytes: 32" in store.damage.sentence
    again = Store.mount(flash, REGION)
    assert (again.items(), again.damage) == (store.items(), Damage())


def test_a_damaged_complete_costs_nothing_though_the_boot_that_finds_it_loses_power() -> None:
    flash, _ = mounted(*HISTORY)
    image = bytearray(raw(flash))
    image[image.index(b"OK")] ^= 1
    for cut in count(1):
        inner = flash_of(bytes(image))
        try:
            store = Store.mount(CutFlash(inner, cut, half), REGION)
        except PowerLoss:
            store = Store.mount(inner, REGION)
            assert dict(store.items()) == CURRENT
        else:
            assert dict(store.items()) == CURRENT
            assert store.damage == Damage(unreadable_bytes=12)
            return


def test_a_copy_cut_short_is_no_substitute_for_a_sector_that_cannot_be_read() -> None:
    inner, _ = mounted(*HISTORY)
    header = raw(inner).index(b"LWST")
    with pytest.raises(PowerLoss):
        Store.mount(CutFlash(inner, 40, half), REGION)
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


# --- power loss ---


class PowerLoss(Exception):
    pass


STRIPES = int.from_bytes(b"\x5a" * SMALL.page_size)


def untouched(old: int, _new: int) -> int:
    return old


def one_bit(old: int, new: int) -> int:
    return old ^ (old ^ new) & -(old ^ new)


def half(old: int, new: int) -> int:
    return old ^ (old ^ new) & STRIPES


def all_but_one_bit(old: int, new: int) -> int:
    return new ^ (old ^ new) & -(old ^ new)


def finished(_old: int, new: int) -> int:
    return new


class CutFlash:
    """Flash that loses power in its operation number `cut`, which leaves what `tear` makes of old and new bits."""

    def __init__(self, inner: NorFlash, cut: int, tear: Callable[[int, int], int]) -> None:
        self.geometry = inner.geometry
        self.read = inner.read
        self._inner = inner
        self._left = cut
        self._tear = tear

    def program(self, address: int, data: bytes) -> None:
        for at in range(address, address + len(data), WORD):
            word = data[at - address : at - address + WORD]
            if self._is_cut():
                self._inner.program(at, self._torn(at, word))
                raise PowerLoss
            self._inner.program(at, word)

    def erase(self, page: int) -> None:
        address, size = page * self.geometry.page_size, self.geometry.page_size
        torn = self._torn(address, b"\xff" * size)
        cut = self._is_cut()
        self._inner.erase(page)
        if cut:
            self._inner.program(address, torn)
            raise PowerLoss

    def _is_cut(self) -> bool:
        self._left -= 1
        return self._left == 0

    def _torn(self, address: int, new: bytes) -> bytes:
        old = int.from_bytes(self.read(address, len(new)))
        return self._tear(old, int.from_bytes(new)).to_bytes(len(new))


BOOT = None
STEPS: Sequence[Changes | None] = (
    {1: b"secret-a", 2: b"secret-b"},
    {1: b"secret-c"},
    BOOT,
    {2: None, 3: b"secret-d"},
    {1: b"secret-e", 3: b"secret-f"},
    {4: b"secret-g"},
    {1: b"secret-h"},
    {4: None},
    {2: b"secret-i", 5: b"secret-j"},
    {5: b"secret-k"},
    {2: None, 3: None},
    BOOT,
    {1: b"secret-l"},
)
SECRETS = [b"secret-" + bytes([letter]) for letter in b"abcdefghijkl"]


def play(flash: Flash, seen: list[Values]) -> None:
    """Play STEPS; `seen` ends with the values before the step under way and those after it."""
    store = Store.mount(flash, REGION)
    for step in STEPS:
        seen.append(seen[-1] if step is None else changed(seen[-1], step))
        if step is None:
            store = Store.mount(flash, REGION)
        else:
            store.commit(step)


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
