"""Flash images that are no lock's, or no longer: it starts or says in a sentence why not, and opens for no guess."""

import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from firmware_sim.device import GEOMETRY, LOG
from firmware_sim.errors import SimError
from firmware_sim.flash import Geometry, ImageFlash
from tests.firmware_sim.bench import ANNA, BOB, CARL, Bench, peer_of
from tests.firmware_sim.test_cli import run_all, sentence
from tests.together.processes import place

Make = Callable[[], bytes]
LOG_START = LOG.first_page * GEOMETRY.page_size
GUESTS = (ANNA, BOB, CARL)


def image_of_a_lock() -> bytes:
    """Anna and Carl have pins; Bob's was removed."""
    bench = Bench()
    bridge = peer_of(bench)
    bridge.created(ANNA)
    bridge.delete(bridge.created(BOB))
    bridge.created(CARL)
    return bench.bytes()


def ones() -> bytes:
    return b"\xff" * GEOMETRY.size


def zeros() -> bytes:
    return bytes(GEOMETRY.size)


def random(seed: int = 0) -> bytes:
    return Random(seed).randbytes(GEOMETRY.size)  # noqa: S311  a test has to repeat itself


def truncated() -> bytes:
    return image_of_a_lock()[:-1]


def of_fewer_pages() -> bytes:
    return image_of_a_lock()[: -GEOMETRY.page_size]


def of_more_pages() -> bytes:
    return image_of_a_lock() + b"\xff" * GEOMETRY.page_size


def empty() -> bytes:
    return b""


def newer() -> bytes:
    """The log's sector says that it has version 2 of the format."""
    image = bytearray(image_of_a_lock())
    at = image.index(b"LWST")
    image[at + 4] = 2
    struct.pack_into("<I", image, at + 16, crc32(image[at : at + 16]))
    return bytes(image)


def with_random_log() -> bytes:
    return image_of_a_lock()[:LOG_START] + random()[LOG_START:]


def with_blank_factory_page() -> bytes:
    return b"\xff" * LOG_START + image_of_a_lock()[LOG_START:]


def with_zeroed_log() -> bytes:
    return image_of_a_lock()[:LOG_START].ljust(GEOMETRY.size, b"\x00")


REFUSED: dict[Make, str] = {
    zeros: "factory page is damaged",
    random: "factory page is damaged",
    truncated: "102399 bytes instead of 102400",
    of_fewer_pages: "98304 bytes instead of 102400",
    of_more_pages: "106496 bytes instead of 102400",
    newer: "later version",
    with_random_log: "no readable sector",
    with_blank_factory_page: "no lock's image",
    with_zeroed_log: "no readable sector",
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_an_image_that_proves_nothing_is_refused_in_a_sentence_and_left_alone(
    make: Make, reason: str, tmp_path: Path
) -> None:
    path, image = tmp_path / "flash", make()
    path.write_bytes(image)
    with pytest.raises(SimError, match=reason) as refused:
        start(path)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == image


def start(path: Path) -> list[bool]:
    """Start a lock on the image, and return for which guest it opens."""
    with closing(ImageFlash(path, GEOMETRY)) as flash:
        bench = Bench(flash=flash)
        return [bench.opens(guest.digits) for guest in GUESTS]


@pytest.mark.parametrize("make", [ones, empty])
def test_an_image_that_holds_nothing_is_a_new_lock_that_opens_for_nobody(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "flash"
    path.write_bytes(make())
    assert start(path) == [False] * 3
    assert path.stat().st_size == GEOMETRY.size


def test_random_bytes_are_refused_whatever_they_are(tmp_path: Path) -> None:
    for seed in range(100):
        path = tmp_path / "flash"
        path.write_bytes(random(seed))
        with pytest.raises(SimError, match="factory page is damaged"):
            start(path)


@pytest.mark.parametrize("filler", [b"\xff", b"\x00"])
def test_a_copy_that_was_cut_short_and_filled_up_never_opens_for_whom_was_removed(
    filler: bytes, tmp_path: Path
) -> None:
    image = image_of_a_lock()
    opened = set()
    for length in (*range(0, len(image.rstrip(b"\xff")), 12), len(image)):
        path = tmp_path / "flash"
        path.write_bytes(image[:length].ljust(len(image), filler))
        opened.add(opened_for(path))
    assert not {(bob, carl) for _, bob, carl in opened if bob}
    assert {(True, False, True), (False, False, False)} <= opened


def test_a_lock_of_other_pages_opens_for_nobody_of_those(tmp_path: Path) -> None:
    other = Geometry(page_size=GEOMETRY.page_size // 2, pages=GEOMETRY.pages * 2)
    path = tmp_path / "flash"
    with closing(ImageFlash(path, other)) as flash:
        peer_of(Bench(flash=flash)).created(ANNA)
    assert opened_for(path) == (False, False, False)


def opened_for(path: Path) -> tuple[bool, ...]:
    """Return for which guest a lock on the image opens: for none where it does not start."""
    try:
        return tuple(start(path))
    except SimError:
        return (False,) * len(GUESTS)


def test_each_is_told_by_the_command_too() -> None:
    with place() as folder:
        commands, images = [], {}
        for make in REFUSED:
            path = Path(folder.path(f"image-{make.__name__}"))
            images[path] = make()
            path.write_bytes(images[path])
            commands.append(["run", "--serial", folder.path(f"at-{make.__name__}"), "--flash", str(path)])
        for ended, reason in zip(run_all(folder, *commands), REFUSED.values(), strict=True):
            assert reason in sentence(ended)
            assert ended.code == 1
        assert {path: path.read_bytes() for path in images} == images
