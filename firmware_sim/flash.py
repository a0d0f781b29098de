"""NOR flash in memory or in an image file; what silicon would punish silently is an error here, at once."""

import fcntl
import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple, Protocol

from .errors import FlashImageError, FlashRuleError

WORD = 4
"""Bytes in a word, the smallest thing that can be programmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The shape of a flash: `pages` pages of `page_size` bytes, and how often a word takes a program between erases."""

    page_size: int = 4096
    pages: int = 24
    programs_per_word: int = 2

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.page_size * self.pages


class Flash(Protocol):
    """What a store needs of flash. Addresses and lengths are in bytes, pages count from 0.

    When power is lost in the midst of an operation, words below the current one are programmed, those above are
    untouched, and the current word or page may hold anything between old and new. Cells that no longer take an
    operation raise FlashWorn, or say nothing and read back as something else.
    """

    @property
    def geometry(self) -> Geometry:
        """The shape of this flash."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes; an erased byte is 0xFF."""
        ...

    def program(self, address: int, data: bytes) -> None:
        """Clear bits, word after word upwards; `address` and `data` are whole words, and 1 bits stay as they are."""
        ...

    def erase(self, page: int) -> None:
        """Set every bit of a page to 1."""
        ...


_ERASED = b"\xff"


class _Page(NamedTuple):
    """A page up to the last word that was ever programmed: what lies behind it is erased."""

    cells: bytearray
    programs: bytearray  # of each word since the last erase

    def reach(self, end: int) -> None:
        """Make room for everything below `end`."""
        self.cells.extend(_ERASED * (end - len(self.cells)))
        self.programs.extend(bytes(max(0, end // WORD - len(self.programs))))


class NorFlash:
    """Flash in memory, of which what is erased takes none. Breaking a rule of NOR raises FlashRuleError.

    `wear` counts the erases of each page, `operations` counts programmed words and erased pages together.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.wear = [0] * geometry.pages
        self.operations = 0
        self._pages: dict[int, _Page] = {}

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes from `address`, across pages."""
        self._check_span(address, length)
        size, end = self.geometry.page_size, address + length
        starts = (address, *range((address // size + 1) * size, end, size))
        return b"".join(self._read_page(start, min(end, (start // size + 1) * size)) for start in starts)

    def program(self, address: int, data: bytes) -> None:
        """Program whole words upwards from `address`; the first word that breaks a rule stops it."""
        self._check_span(address, len(data))
        if address % WORD or len(data) % WORD:
            raise FlashRuleError(f"Only whole words can be programmed, not {len(data)} bytes at {address:#x}.")
        for start in range(0, len(data), WORD):
            self._program_word(address + start, data[start : start + WORD])

    def erase(self, page: int) -> None:
        """Set every bit of a page to 1."""
        self._check_span(page * self.geometry.page_size, self.geometry.page_size)
        self._pages.pop(page, None)
        self.wear[page] += 1
        self.operations += 1

    def is_erased(self, page: int) -> bool:
        """Whether a page reads as erased."""
        return not self._cells(page).strip(_ERASED)

    def _program_word(self, address: int, word: bytes) -> None:
        number, offset = divmod(address, self.geometry.page_size)
        page = self._pages.get(number) or self._fill(number, b"")
        page.reach(offset + WORD)
        if int.from_bytes(word) & ~int.from_bytes(page.cells[offset : offset + WORD]):
            raise FlashRuleError(f"The word at {address:#x} would need an erase: programming only clears bits.")
        if page.programs[offset // WORD] == self.geometry.programs_per_word:
            raise FlashRuleError(f"The word at {address:#x} has taken all its programs since the last erase.")
        page.cells[offset : offset + WORD] = word
        page.programs[offset // WORD] += 1
        self.operations += 1

    def _fill(self, number: int, cells: bytes) -> _Page:
        page = _Page(bytearray(cells.rstrip(_ERASED)), bytearray())
        page.reach(-(-len(page.cells) // WORD) * WORD)
        self._pages[number] = page
        return page

    def _read_page(self, start: int, end: int) -> bytes:
        number, offset = divmod(start, self.geometry.page_size)
        return bytes(self._cells(number)[offset : offset + end - start]).ljust(end - start, _ERASED)

    def _cells(self, page: int) -> bytes | bytearray:
        return self._pages[page].cells if page in self._pages else b""

    def _check_span(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > self.geometry.size:
            raise FlashRuleError(f"{length} bytes at {address:#x} lie outside of the flash.")


class ImageFlash(NorFlash):
    """Flash in a file of exactly `geometry.size` bytes, made all-0xFF with mode 0600 if missing and locked while open.

    Each operation reaches the file before it returns, so killing the process loses nothing; the host's own power
    loss may, as nothing is synced. Programs per word are not in the file: their counts begin at 0 with each opening.
    Raises FlashImageError when the file cannot be used; memory then holds what the file does.
    """

    def __init__(self, path: Path, geometry: Geometry) -> None:
        super().__init__(geometry)
        self._path = path
        self._file, image = _open_image(path, geometry.size)
        for page in range(geometry.pages):
            cells = image[page * geometry.page_size : (page + 1) * geometry.page_size]
            if cells.strip(_ERASED):
                self._fill(page, cells)

    def program(self, address: int, data: bytes) -> None:
        """Program whole words upwards from `address`, in memory and then in the file."""
        super().program(address, data)
        self._write(address, data)

    def erase(self, page: int) -> None:
        """Set every bit of a page to 1, in memory and then in the file."""
        super().erase(page)
        self._write(page * self.geometry.page_size, _ERASED * self.geometry.page_size)

    def close(self) -> None:
        """Release the file and its lock."""
        self._file.close()

    def _write(self, address: int, data: bytes) -> None:
        try:
            if os.pwrite(self._file.fileno(), data, address) == len(data):
                return
            reason = "only a part was written"
        except OSError as error:
            reason = f"writing failed ({error.strerror})"
        self._read_again(address, len(data))
        raise _unusable(self._path, f"{reason}. Make room on its disk.")

    def _read_again(self, address: int, length: int) -> None:
        """Bring memory back to what the file holds: a lock must not serve what the next one would not find."""
        size = self.geometry.page_size
        try:
            for page in range(address // size, (address + length - 1) // size + 1):
                self._fill(page, os.pread(self._file.fileno(), size, page * size))
        except OSError as error:
            raise _unusable(self._path, f"reading failed ({error.strerror}). See that its disk is whole.") from error


def _open_image(path: Path, size: int) -> tuple[FileIO, bytes]:
    try:
        with ExitStack() as undo:
            file = undo.enter_context(FileIO(path, "r+", opener=_open_or_create))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _check_image(path, file, size)
            image = os.pread(file.fileno(), size, 0)
            undo.pop_all()
            return file, image
    except BlockingIOError as error:
        raise _unusable(path, "another simulator holds it. Stop that one, or name another file.") from error
    except OSError as error:
        raise _unusable(path, f"{error.strerror}. Name a file that you may read and write.") from error


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _check_image(path: Path, file: FileIO, size: int) -> None:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(path, "it is no regular file. Name one, or a new one.")
    if status.st_size == 0:
        file.write(b"\xff" * size)
    elif status.st_size != size:
        raise _unusable(path, f"it has {status.st_size} bytes instead of {size}. Name another, or a new one.")


def _unusable(path: Path, reason: str) -> FlashImageError:
    return FlashImageError(f"The flash image {path} cannot be used: {reason}")
