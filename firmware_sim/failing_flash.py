"""Flash that fails as silicon does, when it is told to: power is lost, pages are bad or worn, an operation lapses.

It wraps a flash that keeps the rules of NOR, so what it leaves behind is what silicon could.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from .errors import PowerCut
from .flash import WORD, Flash

_NOT_BLANK = b"\x7f" + b"\xff" * (WORD - 1)


class Tear(StrEnum):
    """What the operation in which power is lost has done to the bits that it was to change."""

    NONE = "none"
    ONE_BIT = "one_bit"
    ALL_BUT_ONE = "all_but_one"
    RANDOM = "random"
    ALL = "all"


class FailingFlash:
    """A flash around `inner` that fails where it was told to. `operations` counts words and pages, as NorFlash does.

    `bad_pages` take no operation at all, `dead_words` (addresses) no program; a page with `endurance` erases behind it
    takes no more. None of them says so: they read back as something else.
    """

    def __init__(self, inner: Flash, *, endurance: int | None = None) -> None:
        self.geometry = inner.geometry
        self.read = inner.read
        self.inner = inner
        self.endurance = endurance
        self.operations = 0
        self.bad_pages: set[int] = set()
        self.dead_words: set[int] = set()
        self._erases: dict[int, int] = {}
        self._cut_at: int | None = None
        self._lapse_at: int | None = None
        self._tear = Tear.NONE
        self._bits: Callable[[int], int] = lambda _: 0

    def cut_after(self, operations: int, tear: Tear, bits: Callable[[int], int] = lambda _: 0) -> None:
        """Lose power in the operation of that number from now on, 1 for the next; `bits` draws so many random bits."""
        self._cut_at, self._tear, self._bits = self.operations + operations, tear, bits

    def lapse_after(self, operations: int) -> None:
        """Let the operation of that number from now on do nothing, 1 for the next."""
        self._lapse_at = self.operations + operations

    def disarm(self) -> None:
        """Forget the cut and the lapse that have not come yet."""
        self._cut_at = self._lapse_at = None

    def program(self, address: int, data: bytes) -> None:
        """Program whole words upwards; raise PowerCut where power is lost in one of them."""
        if self._is_quiet(len(data) // WORD, address // self.geometry.page_size):
            self.operations += len(data) // WORD
            self.inner.program(address, data)
            return
        for at in range(address, address + len(data), WORD):
            word = data[at - address : at - address + WORD]
            self._operate(at, word, partial(self._program_word, at, word))

    def erase(self, page: int) -> None:
        """Erase a page; raise PowerCut where power is lost meanwhile."""
        size = self.geometry.page_size
        self._operate(page * size, b"\xff" * size, partial(self._erase_page, page))

    def _is_quiet(self, words: int, page: int) -> bool:
        ends = [at for at in (self._cut_at, self._lapse_at) if at is not None]
        near = any(self.operations < at <= self.operations + words for at in ends)
        return not near and page not in self.bad_pages and not self.dead_words

    def _operate(self, address: int, new: bytes, carry_out: Callable[[], None]) -> None:
        self.operations += 1
        if self.operations == self._lapse_at:
            return
        if self.operations != self._cut_at:
            carry_out()
            return
        self._cut_at = None
        if self._takes(address, new):
            torn = self._torn(address, new)
            if len(new) > WORD:
                self._wear_out(address // self.geometry.page_size)
            self.inner.program(address, torn)
        raise PowerCut

    def _takes(self, address: int, new: bytes) -> bool:
        page = address // self.geometry.page_size
        if page in self.bad_pages:
            return False
        return not self._is_worn(page) if len(new) > WORD else address not in self.dead_words

    def _is_worn(self, page: int) -> bool:
        return self.endurance is not None and self._erases.get(page, 0) >= self.endurance

    def _wear_out(self, page: int) -> None:
        self._erases[page] = self._erases.get(page, 0) + 1
        self.inner.erase(page)

    def _program_word(self, address: int, word: bytes) -> None:
        if address // self.geometry.page_size not in self.bad_pages and address not in self.dead_words:
            self.inner.program(address, word)

    def _erase_page(self, page: int) -> None:
        size = self.geometry.page_size
        if page in self.bad_pages:
            return
        if not self._is_worn(page):
            self._wear_out(page)
        elif not self.read(page * size, size).strip(b"\xff"):
            self.inner.erase(page)  # a word of it may have taken a program that changed nothing: it must not look new
            self.inner.program(page * size, _NOT_BLANK)

    def _torn(self, address: int, new: bytes) -> bytes:
        """Return what `new` leaves of the old bytes: any mixture of both is possible, Tear says which it is."""
        old = int.from_bytes(self.read(address, len(new)))
        changes = old ^ int.from_bytes(new)
        one = changes & -changes
        done = {
            Tear.NONE: 0,
            Tear.ONE_BIT: one,
            Tear.ALL_BUT_ONE: changes ^ one,
            Tear.RANDOM: changes & self._bits(8 * len(new)),
            Tear.ALL: changes,
        }
        return (old ^ done[self._tear]).to_bytes(len(new))
