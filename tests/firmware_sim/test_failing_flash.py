"""What fails, fails as it was told to: torn by bits, worn by erases, bad by pages and words, within NOR's rules."""

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
