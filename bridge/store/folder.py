"""The state folder; nothing in it is used while anybody but its owner may read or change it."""

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import BridgeError, DamagedState, UnsafeState, UsageError


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The paths of a state folder that was found safe when `open` made this object."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "StateFolder":
        """Make the folder and its sub-folders where they are missing (mode 0700) and check all that is in use.

        Raises UnsafeState for a folder, key or database that others may use or that is not ours, and UsageError where
        no folder can be made, DamagedState where the disk fails.
        """
        folder = cls(path)
        with told(folder.path):
            for place in (folder.path, folder.keys, folder.locks, folder.monitors):
                _make_folder(place)
                _require_private(place, "700")
            require_private(folder.key_file)
            require_private_database(folder.database)
        return folder

    @property
    def keys(self) -> Path:
        """The sub-folder of private keys."""
        return self.path / "keys"

    @property
    def key_file(self) -> Path:
        """The bridge's own keys (see keys.py)."""
        return self.keys / "bridge.key"

    @property
    def database(self) -> Path:
        """The registry (see registry.py)."""
        return self.path / "latchwire.db"

    @property
    def locks(self) -> Path:
        """The sub-folder that says which process owns which lock (see ownership.py)."""
        return self.path / "locks"

    @property
    def monitors(self) -> Path:
        """The sub-folder in which whoever watches a lock has a socket (see monitors.py)."""
        return self.path / "monitors"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the system says of `path`, an OSError, into DamagedState with a sentence."""
    try:
        yield
    except BridgeError:  # some are OSErrors too
        raise
    except OSError as error:
        raise DamagedState(
            f"{path} cannot be used ({error.strerror or error}). See that you may read and write there and the disk "
            "has room, or name another folder in LATCHWIRE_STATE_DIR."
        ) from error


def require_private(file: Path) -> None:
    """Raise UnsafeState where `file` exists and others may read or change it, or it is not ours."""
    with suppress(FileNotFoundError):
        _require_private(file, "600")


def require_private_database(file: Path) -> None:
    """Do so for a SQLite database and its journals, which go at any moment, when another process commits."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        require_private(file.with_name(file.name + suffix))


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The state folder {path} cannot be made ({error.strerror}). Name another one in LATCHWIRE_STATE_DIR."
        ) from error


def _require_private(path: Path, wanted: str) -> None:
    status = path.stat()
    quoted = shlex.quote(str(path))
    if status.st_uid != os.geteuid():
        raise UnsafeState(
            f"{path} belongs to user {status.st_uid} and not to you ({os.geteuid()}). "
            f"Run `chown {os.geteuid()} {quoted}` as root, or name another folder in LATCHWIRE_STATE_DIR."
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise UnsafeState(f"{path} has mode {mode:04o}, so others can reach it. Run `chmod {wanted} {quoted}`.")
