"""What fails, fails as it was told to: torn by bits, worn by erases, bad by pages and words, within NOR's rules."""

from functools import partial

import pytest

from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.flash import Geometry, NorFlash

SMALL = Geometry(page_size=64, pages=4)
ERASED = b"\xff"


def failing() -> tuple[NorFlash, FailingFlash]:
    inner = NorFlash(SMALL)
    return inner, FailingFlash(inner)


def every_fourth(count: int) -> int:
    """Bits as a source of chance might draw them."""
    return int("1" * count, 2) & int.from_bytes(b"\x11" * (count // 8))


@pytest.mark.parametrize(
    ("tear", "left"),
    [
        (Tear.NONE, b"\xff\xff\xff\xff"),
        (Tear.ONE_BIT, b"\xff\xff\xff\xef"),
        (Tear.ALL_BUT_ONE, b"\x0f\x0f\x0f\x1f"),
        (Tear.RANDOM, b"\xef\xef\xef\xef"),
        (Tear.ALL, b"\x0f\x0f\x0f\x0f"),
    ],
)
def test_a_torn_program_leaves_words_below_done_and_words_above_untouched(tear: Tear, left: bytes) -> None:
    inner, flash = failing()
    flash.cut_after(2, tear, every_fourth)
    with pytest.raises(PowerCut):
        flash.program(0, b"abcd\x0f\x0f\x0f\x0fabcd")
    assert inner.read(0, 16) == b"abcd" + left + ERASED * 8
    assert flash.operations == 2


@pytest.mark.parametrize(
    ("tear", "set_bits"),
    [(Tear.NONE, 0), (Tear.ONE_BIT, 1), (Tear.ALL_BUT_ONE, 511), (Tear.RANDOM, 128), (Tear.ALL, 512)],
)
def test_a_torn_erase_sets_some_bits_of_its_page_alone(tear: Tear, set_bits: int) -> None:
    inner, flash = failing()
    flash.program(0, bytes(128))
    flash.cut_after(1, tear, every_fourth)
    with pytest.raises(PowerCut):
        flash.erase(0)
    assert int.from_bytes(inner.read(0, 64)).bit_count() == set_bits
    assert inner.read(64, 64) == bytes(64)


def test_a_cut_comes_once_and_can_be_taken_back() -> None:
    inner, flash = failing()
    flash.cut_after(1, Tear.NONE)
    with pytest.raises(PowerCut):
        flash.program(0, b"abcd")
    flash.program(0, b"abcd")
    flash.cut_after(1, Tear.NONE)
    flash.lapse_after(1)
    flash.disarm()
    flash.program(4, b"efgh")
    assert inner.read(0, 8) == b"abcdefgh"


def test_an_operation_that_lapses_does_nothing_and_says_nothing() -> None:
    inner, flash = failing()
    flash.lapse_after(2)
    flash.program(0, b"abcdefghijkl")
    assert inner.read(0, 12) == b"abcd" + ERASED * 4 + b"ijkl"
    flash.lapse_after(1)
    flash.erase(0)
    assert inner.read(0, 4) == b"abcd"


def test_bad_pages_take_nothing_and_dead_words_no_program() -> None:
    inner, flash = failing()
    flash.program(0, b"abcd")
    flash.bad_pages = {0}
    flash.dead_words = {68}
    flash.erase(0)
    flash.program(4, b"efgh")
    flash.program(64, b"abcdefgh")
    assert inner.read(0, 8) == b"abcd" + ERASED * 4
    assert inner.read(64, 8) == b"abcd" + ERASED * 4


def test_a_page_takes_so_many_erases_and_no_more() -> None:
    inner = NorFlash(SMALL)
    flash = FailingFlash(inner, endurance=2)
    for _ in range(3):
        flash.erase(1)
        flash.program(64, b"\x00" * 4) if inner.read(64, 1) == ERASED else None
    assert (inner.wear, inner.read(64, 4)) == ([0, 2, 0, 0], bytes(4))
    flash.erase(2)
    assert inner.wear[2] == 1


def test_a_worn_page_does_not_look_erased() -> None:
    inner = NorFlash(SMALL)
    flash = FailingFlash(inner, endurance=0)
    flash.erase(1)
    assert inner.read(64, 4) == b"\x7f" + ERASED * 3


@pytest.mark.parametrize("tear", Tear)
def test_an_operation_that_power_cuts_off_does_no_more_than_the_cells_take(tear: Tear) -> None:
    inner = NorFlash(SMALL)
    flash = FailingFlash(inner, endurance=1)
    flash.bad_pages, flash.dead_words = {0}, {68}
    flash.program(64, b"abcd")
    flash.program(128, b"abcd")
    flash.erase(2)
    flash.program(128, b"efgh")
    before = inner.read(0, SMALL.size)
    operations = (
        partial(flash.erase, 0),
        partial(flash.program, 0, bytes(4)),
        partial(flash.program, 68, bytes(4)),
        partial(flash.erase, 2),
    )
    for cut_off in operations:
        flash.cut_after(1, tear, all_ones)
        with pytest.raises(PowerCut):
            cut_off()
        assert inner.read(0, SMALL.size) == before


def all_ones(count: int) -> int:
    return (1 << count) - 1


def test_an_erase_that_power_cuts_off_wears_its_page() -> None:
    inner = NorFlash(SMALL)
    flash = FailingFlash(inner, endurance=1)
    flash.cut_after(1, Tear.ALL)
    with pytest.raises(PowerCut):
        flash.erase(1)
    flash.program(64, bytes(4))
    flash.erase(1)
    assert inner.read(64, 4) == bytes(4)
