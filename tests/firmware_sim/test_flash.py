"""NOR rules broken on purpose, and image files that outlive their process or are refused in a sentence."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firmware_sim.errors import FlashImageError, FlashRuleError
from firmware_sim.flash import Flash, Geometry, ImageFlash, NorFlash

SMALL = Geometry(page_size=64, pages=4)


@pytest.fixture(params=["memory", "image"])
def flash(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NorFlash]:
    if request.param == "memory":
        yield NorFlash(SMALL)
        return
    with closing(ImageFlash(tmp_path / "flash", SMALL)) as image:
        yield image


def test_new_flash_is_erased_and_unworn(flash: NorFlash) -> None:
    assert flash.read(0, SMALL.size) == b"\xff" * 256
    assert all(flash.is_erased(page) for page in range(4))
    assert (flash.wear, flash.operations) == ([0, 0, 0, 0], 0)


def test_a_program_reads_back_across_pages_and_counts_its_words(flash: NorFlash) -> None:
    flash.program(56, b"sixteen bytes ok")
    assert flash.read(54, 20) == b"\xff\xffsixteen bytes ok\xff\xff"
    assert [flash.is_erased(page) for page in range(4)] == [False, False, True, True]
    assert flash.operations == 4


def test_an_erase_sets_one_page_and_counts_as_its_wear(flash: NorFlash) -> None:
    flash.program(60, bytes(8))
    flash.erase(0)
    assert flash.read(56, 16) == b"\xff" * 8 + bytes(4) + b"\xff" * 4
    assert (flash.wear, flash.operations) == ([1, 0, 0, 0], 3)


def test_a_program_that_would_set_a_bit_is_an_error_and_sets_none(flash: NorFlash) -> None:
    flash.program(0, b"\xf0\xff\xff\xff")
    with pytest.raises(FlashRuleError, match="erase"):
        flash.program(0, b"\xf1\xff\xff\xff")
    assert flash.read(0, 1) == b"\xf0"


def test_a_word_takes_two_programs_between_erases(flash: NorFlash) -> None:
    for _ in range(2):
        flash.program(4, b"\xfe\xff\xff\xff")
    with pytest.raises(FlashRuleError, match="all its programs"):
        flash.program(4, bytes(4))
    flash.erase(0)
    flash.program(4, bytes(4))


@pytest.mark.parametrize(
    "broken",
    [
        lambda flash: flash.program(2, bytes(4)),
        lambda flash: flash.program(0, bytes(3)),
        lambda flash: flash.program(252, bytes(8)),
        lambda flash: flash.program(-4, bytes(4)),
        lambda flash: flash.read(250, 7),
        lambda flash: flash.erase(4),
        lambda flash: flash.erase(-1),
    ],
)
def test_half_words_and_foreign_addresses_are_errors(flash: NorFlash, broken: Callable[[Flash], None]) -> None:
    with pytest.raises(FlashRuleError):
        broken(flash)
    assert flash.operations == 0


def test_a_new_image_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    with closing(ImageFlash(path, SMALL)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes() == b"\xff" * 256


def test_each_operation_is_in_the_file_before_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    with closing(ImageFlash(path, SMALL)) as flash:
        flash.program(60, b"12345678")
        assert path.read_bytes() == b"\xff" * 60 + b"12345678" + b"\xff" * 188
        flash.erase(0)
        assert path.read_bytes() == b"\xff" * 64 + b"5678" + b"\xff" * 188


def test_an_image_keeps_its_bytes_when_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    with closing(ImageFlash(path, SMALL)) as flash:
        flash.program(128, b"kept")
    with closing(ImageFlash(path, SMALL)) as flash:
        assert flash.read(124, 12) == b"\xff\xff\xff\xffkept\xff\xff\xff\xff"
        assert [flash.is_erased(page) for page in range(4)] == [True, True, False, True]
        with pytest.raises(FlashRuleError):
            flash.program(128, b"\xff\xff\xff\xff")


def test_two_simulators_never_share_an_image(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    with closing(ImageFlash(path, SMALL)), pytest.raises(FlashImageError, match="another simulator"):
        ImageFlash(path, SMALL)
    ImageFlash(path, SMALL).close()


def make_directory(path: Path) -> None:
    path.mkdir()


def make_short(path: Path) -> None:
    path.write_bytes(b"\xff" * 255)


def make_long(path: Path) -> None:
    path.write_bytes(b"\xff" * 257)


def make_file_in_place_of_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def remove_folder(path: Path) -> None:
    path.parent.rmdir()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_directory, "directory"),
        (os.mkfifo, "no regular file"),
        (make_short, "255 bytes instead of 256"),
        (make_long, "257 bytes instead of 256"),
        (make_file_in_place_of_folder, "(?i)not a directory"),
        (remove_folder, "(?i)no such file"),
    ],
)
def test_a_file_that_is_no_image_is_refused_in_a_sentence(
    make: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "flash"
    path.parent.mkdir()
    make(path)
    with pytest.raises(FlashImageError, match=reason) as refused:
        ImageFlash(path, SMALL)
    assert str(path) in str(refused.value)


def test_a_refused_image_is_left_as_it_was_and_unlocked(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    path.write_bytes(b"something else")
    with pytest.raises(FlashImageError):
        ImageFlash(path, SMALL)
    assert path.read_bytes() == b"something else"
    ImageFlash(path, Geometry(page_size=14, pages=1)).close()


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int, _data: bytes, _offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with closing(ImageFlash(tmp_path / "flash", SMALL)) as flash:
        monkeypatch.setattr(os, "pwrite", refuse)
        with pytest.raises(FlashImageError, match="No space left"):
            flash.program(0, bytes(4))
        monkeypatch.setattr(os, "pwrite", lambda _file, data, _offset: len(data) - 1)
        with pytest.raises(FlashImageError, match="a part"):
            flash.erase(0)


@pytest.mark.parametrize("kept", [0, 4])
def test_what_did_not_reach_the_file_is_not_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    write = os.pwrite
    with closing(ImageFlash(tmp_path / "flash", SMALL)) as flash:
        flash.program(60, bytes(4))
        monkeypatch.setattr(os, "pwrite", lambda file, data, offset: write(file, data[:kept], offset))
        with pytest.raises(FlashImageError, match="a part"):
            flash.program(64, bytes(8))
        with pytest.raises(FlashImageError, match="a part"):
            flash.erase(0)
        assert flash.read(0, SMALL.size) == (tmp_path / "flash").read_bytes()


def test_a_file_that_cannot_even_be_read_again_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int, _data: object, _offset: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with closing(ImageFlash(tmp_path / "flash", SMALL)) as flash:
        monkeypatch.setattr(os, "pwrite", refuse)
        monkeypatch.setattr(os, "pread", refuse)
        with pytest.raises(FlashImageError, match=r"reading failed \(Input/output error\)"):
            flash.program(0, bytes(4))


def test_a_stretch_is_programmed_up_to_the_first_word_that_breaks_a_rule() -> None:
    flash = NorFlash(Geometry(page_size=64, pages=2))
    flash.program(64 - 8, b"\x0f" * 4)
    before = flash.operations
    with pytest.raises(FlashRuleError, match="0x38 would need an erase"):
        flash.program(64 - 16, b"abcdefgh" + b"\xf0" * 4 + b"ijkl")
    assert flash.read(64 - 16, 16) == b"abcdefgh" + b"\x0f" * 4 + b"\xff" * 4
    assert flash.operations == before + 2
    flash.program(64 - 12, b"efgh")
    with pytest.raises(FlashRuleError, match="0x34 has taken all its programs"):
        flash.program(64 - 16, b"abcdefgh")
    assert flash.operations == before + 4
