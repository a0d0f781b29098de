"""Flash that fails as real flash does, when it is told to: it loses power in an operation, or no longer takes any."""

from enum import StrEnum
from random import Random

from .flash import WORD, Flash


class PowerCut(Exception):
    pass


class Tear(StrEnum):
    NONE = "none"
    ONE_BIT = "one_bit"
    ALL_BUT_ONE = "all_but_one"
    RANDOM = "random"
    ALL = "all"


class FailingFlash:
    def __init__(self, inner: Flash) -> None:
        self.geometry = inner.geometry
        self.read = inner.read
        self.inner = inner
        self._left = 0
        self._tear = Tear.NONE
        self._luck = Random(0)
        self.bad: set[int] = set()
        self.endurance = 1_000_000_000
        self._wear = [0] * inner.geometry.pages
        self.operations = 0

    def cut_after(self, operations: int, tear: Tear, luck: Random) -> None:
        self._left, self._tear, self._luck = operations, tear, luck

    def disarm(self) -> None:
        self._left = 0

    def program(self, address: int, data: bytes) -> None:
        if not self._left and not self.bad:
            self.operations += len(data) // 4
            self.inner.program(address, data)
            return
        for at in range(address, address + len(data), WORD):
            word = data[at - address : at - address + WORD]
            if at // self.geometry.page_size in self.bad:
                continue
            if self._is_cut():
                self.inner.program(at, self._torn(at, word))
                raise PowerCut
            self.inner.program(at, word)

    def erase(self, page: int) -> None:
        if page in self.bad or self._wear[page] >= self.endurance:
            return
        self._wear[page] += 1
        address, size = page * self.geometry.page_size, self.geometry.page_size
        cut = self._is_cut()
        torn = self._torn(address, b"\xff" * size) if cut else b""
        self.inner.erase(page)
        if cut:
            self.inner.program(address, torn)
            raise PowerCut

    def _is_cut(self) -> bool:
        self.operations += 1
        self._left -= 1
        return self._left == 0

    def _torn(self, address: int, new: bytes) -> bytes:
        old = int.from_bytes(self.read(address, len(new)))
        will = int.from_bytes(new)
        diff = old ^ will
        one = diff & -diff
        match self._tear:
            case Tear.NONE:
                mask = 0
            case Tear.ONE_BIT:
                mask = one
            case Tear.ALL_BUT_ONE:
                mask = diff & ~one
            case Tear.ALL:
                mask = diff
            case _:
                mask = diff & self._luck.getrandbits(8 * len(new))
        return (old ^ mask).to_bytes(len(new))
