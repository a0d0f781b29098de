"""Files for their owner alone (mode 0600), written so that a loss of power leaves no half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, mode 0600, durably: after a power loss the file is either the old or the new one."""
    with _private_copy(path, data) as copy:
        copy.replace(path)


def create_private(path: Path, data: bytes) -> bool:
    """Create `path` as `write_private` does, unless it exists; tell whether it was us who created it."""
    with _private_copy(path, data) as copy:
        try:
            path.hardlink_to(copy)
        except FileExistsError:
            return False
    return True


@contextmanager
def _private_copy(path: Path, data: bytes) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    copy = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield copy
    finally:
        copy.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
