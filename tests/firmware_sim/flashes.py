"""A small world for the store: a flash of eight small pages, a story of commits and boots, and power that is cut."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.flash import WORD, Flash, Geometry, NorFlash
from firmware_sim.store import Region, Store

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


def drawn(seed: int) -> Callable[[int], int]:
    """Return a source of random bits for Tear.RANDOM, which `seed` repeats."""
    return Random(seed).getrandbits  # noqa: S311  a test has to repeat itself


TEARS = tuple(Tear)


def cut_flash(inner: NorFlash, cut: int, tear: Tear) -> FailingFlash:
    """Return flash that loses power in its operation number `cut`, never where that is 0."""
    flash = FailingFlash(inner)
    if cut:
        flash.cut_after(cut, tear, drawn(cut))
    return flash


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
