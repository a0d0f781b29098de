"""NOR flash in memory or in an image file; what silicon would punish silently is an error here, at once."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import NamedTuple, Protocol

from .errors import FlashImageError, FlashRuleError

WORD = 4
"""Bytes in a word, the smallest thing that can be programmed."""
_ERASED = b"\xff"
_ONE_MORE = bytes(range(1, 256)) + b"\xff"  # translates counts


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


class _Page(NamedTuple):
    """A page as far up as anything was programmed since its erase."""

    cells: bytearray
    programs: bytearray  # of each word


class NorFlash:
    """Flash in memory that costs what was programmed into it. Breaking a rule of NOR raises FlashRuleError.

    `wear` counts the erases of each page, `operations` counts programmed words and erased pages together.
    """

    __slots__ = ("_pages", "geometry", "operations", "wear")

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.wear = [0] * geometry.pages
        self.operations = 0
        self._pages: dict[int, _Page] = {}

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes from `address`, across pages."""
        self._check_span(address, length)
        return b"".join(self._cells(*span) for span in self._spans(address, length))

    def program(self, address: int, data: bytes) -> None:
        """Program whole words upwards from `address`; the first word that breaks a rule stops it."""
        self._check_span(address, len(data))
        if address % WORD or len(data) % WORD:
            raise FlashRuleError(f"Only whole words can be programmed, not {len(data)} bytes at {address:#x}.")
        start = 0
        for number, offset, length in self._spans(address, len(data)):
            self._program_within(number, offset, data[start : start + length])
            start += length

    def erase(self, page: int) -> None:
        """Set every bit of a page to 1."""
        self._check_span(page * self.geometry.page_size, self.geometry.page_size)
        self._pages.pop(page, None)
        self.wear[page] += 1
        self.operations += 1

    def is_erased(self, page: int) -> bool:
        """Whether a page reads as erased."""
        return page not in self._pages or not self._pages[page].cells.strip(_ERASED)

    def _program_within(self, number: int, offset: int, data: bytes) -> None:
        """Program a stretch of one page at once, up to the first word that breaks a rule."""
        page = self._pages.get(number) or self._fill(number, b"")
        end = offset + len(data)
        page.cells.extend(_ERASED * (end - len(page.cells)))
        page.programs.extend(bytes(len(page.cells) // WORD - len(page.programs)))
        if self._broken_rule(page, offset, data):
            words = (data[at : at + WORD] for at in range(0, len(data), WORD))
            reasons = (self._broken_rule(page, offset + at * WORD, word) for at, word in enumerate(words))
            good, reason = next((at, reason) for at, reason in enumerate(reasons) if reason)
            self._clear(page, offset, data[: good * WORD])
            raise FlashRuleError(f"The word at {number * self.geometry.page_size + offset + good * WORD:#x} {reason}")
        self._clear(page, offset, data)

    def _clear(self, page: _Page, offset: int, data: bytes) -> None:
        words = slice(offset // WORD, (offset + len(data)) // WORD)
        page.cells[offset : offset + len(data)] = data
        page.programs[words] = page.programs[words].translate(_ONE_MORE)
        self.operations += len(data) // WORD

    def _broken_rule(self, page: _Page, offset: int, data: bytes) -> str:
        end = offset + len(data)
        if int.from_bytes(data) & ~int.from_bytes(page.cells[offset:end]):
            return "would need an erase: programming only clears bits."
        if max(page.programs[offset // WORD : end // WORD]) >= self.geometry.programs_per_word:
            return "has taken all its programs since the last erase."
        return ""

    def _fill(self, number: int, cells: bytes) -> _Page:
        used = -(-len(cells.rstrip(_ERASED)) // WORD)
        page = self._pages[number] = _Page(bytearray(cells[: used * WORD]), bytearray(used))
        return page

    def _cells(self, number: int, offset: int, length: int) -> bytes | bytearray:
        page = self._pages.get(number)
        return (page.cells[offset : offset + length] if page else b"").ljust(length, _ERASED)

    def _spans(self, address: int, length: int) -> Iterator[tuple[int, int, int]]:
        """Yield page, offset in it, and length of each piece that a stretch has in one page."""
        size, end = self.geometry.page_size, address + length
        while address < end:
            number, offset = divmod(address, size)
            piece = min(size - offset, end - address)
            yield number, offset, piece
            address += piece

    def _check_span(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > self.geometry.size:
            raise FlashRuleError(f"{length} bytes at {address:#x} lie outside of the flash.")


class ImageFlash(NorFlash):
    """Flash in a file of exactly `geometry.size` bytes, made all-0xFF with mode 0600 if missing and locked while open.

    Each operation reaches the file before it returns, so killing the process loses nothing; the host's own power
    loss may, as nothing is synced. Programs per word are not in the file: their counts begin at 0 with each opening.
    Raises FlashImageError when the file cannot be used; memory then holds what the file does.
    """

    __slots__ = ("_file", "_path")

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
