"""The factory page: burnt once, read for ever, and never invented for a flash that holds something else."""

import zlib
from dataclasses import replace

import pytest

from firmware_sim import factory
from firmware_sim.device import GEOMETRY
from firmware_sim.errors import FlashImageError, SimError
from firmware_sim.factory import Factory
from firmware_sim.flash import WORD, NorFlash
from protocol.label import pairing_key
from tests.firmware_sim.bench import Bench, peer_of

MADE = Factory(lock_id=0x01020304, serial="SIM-01020304", secret=bytes(range(16)))


def burnt(made: Factory = MADE) -> NorFlash:
    flash = NorFlash(GEOMETRY)
    factory.burn(flash, made)
    return flash


def page_of(flash: NorFlash) -> bytes:
    return flash.read(0, GEOMETRY.page_size)


def flash_with(page: bytes) -> NorFlash:
    flash = NorFlash(GEOMETRY)
    for at in range(0, len(page), WORD):
        if (word := page[at : at + WORD]) != b"\xff" * WORD:
            flash.program(at, word)
    return flash


def test_what_was_burnt_is_read() -> None:
    assert factory.read(burnt()) == MADE


def test_erased_flash_has_no_factory() -> None:
    assert factory.read(NorFlash(GEOMETRY)) is None


def test_the_page_of_today_stays_readable() -> None:
    """Frozen bytes: do not change this test."""
    record = bytes.fromhex("4c574631 01020304 0c 53494d2d3031303230333034 000102030405060708090a0b0c0d0e0f")
    page = len(record).to_bytes(2, "big") + record
    page += zlib.crc32(page).to_bytes(4, "big")
    assert page_of(burnt()) == page.ljust(GEOMETRY.page_size, b"\xff")


def test_a_flipped_bit_anywhere_in_the_page_is_an_error_in_a_sentence_and_nothing_is_changed() -> None:
    page = page_of(burnt())
    used = len(page.rstrip(b"\xff"))
    for bit in range(8 * used):
        damaged = bytearray(page)
        damaged[bit // 8] ^= 1 << bit % 8
        flash = flash_with(bytes(damaged))
        with pytest.raises(FlashImageError, match="factory page is damaged"):
            factory.read(flash)
        assert page_of(flash) == damaged


def test_another_maker_s_page_is_an_error() -> None:
    with pytest.raises(FlashImageError, match="damaged"):
        factory.read(burnt(replace(MADE, magic=b"ELSE")))


def test_a_page_of_another_layout_is_an_error_though_its_crc_fits() -> None:
    page = b"\x00\x04LWF1"
    with pytest.raises(FlashImageError, match="damaged"):
        factory.read(flash_with((page + zlib.crc32(page).to_bytes(4, "big")).ljust(12, b"\xff")))


def test_a_page_whose_length_goes_beyond_it_is_an_error() -> None:
    with pytest.raises(FlashImageError, match="damaged"):
        factory.read(flash_with(b"\xff\xfe" + bytes(30)))


def test_records_beside_an_erased_page_are_an_error() -> None:
    bench = Bench()
    peer_of(bench)
    assert isinstance(bench.flash, NorFlash)
    bench.flash.erase(factory.PAGE)
    before = bench.bytes()
    with pytest.raises(SimError, match="no lock's image"):
        Bench(flash=bench.flash)
    assert bench.bytes() == before


def test_the_secret_and_its_lock_make_the_pairing_key() -> None:
    assert MADE.pairing_key() == pairing_key(MADE.secret, MADE.lock_id)


def test_the_secret_does_not_show() -> None:
    assert "secret" not in repr(MADE)
