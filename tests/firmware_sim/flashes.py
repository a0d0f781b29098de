"""Flash that fails as real flash does: it loses power, wears out, lapses; and a small world for the store on it."""

from collections.abc import Callable, Mapping, Sequence

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

    def lapse_after(self, operations: int) -> None:
        """Count anew: the operation of this number is skipped."""
        self._left = operations

    def _lapses(self) -> bool:
        self._left -= 1
        return self._left == 0


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

    def cut_after(self, operations: int) -> None:
        """Count anew: the operation of this number loses power; 0 is none."""
        self._left = operations

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
