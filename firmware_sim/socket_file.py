"""A unix socket of mode 0600 at a path: a stale one is replaced, one in use and anything else stays as it is."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import SimError


@contextmanager
def private_socket(path: Path, *, option: str, error: type[SimError]) -> Iterator[socket.socket]:
    """Yield a socket that is bound to `path` and listens once a server takes it; the file is gone afterwards.

    Raises `error`, with the `option` that names another path, where the socket cannot be made.
    """
    _make_way(path, option, error)
    with socket.socket(socket.AF_UNIX) as made:
        old_mask = os.umask(0o177)
        try:
            made.bind(str(path))
        except OSError as failed:
            raise error(f"Cannot make the socket {path}: {failed.strerror or failed}. Does its folder exist?") from None
        finally:
            os.umask(old_mask)
        try:
            yield made
        finally:
            _remove(path)


def _make_way(path: Path, option: str, error: type[SimError]) -> None:
    if path.exists() and not path.is_socket():
        raise error(f"{path} exists and is no socket. Choose another path for {option}.")
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.setblocking(False)
        probe.connect(str(path))
        raise error(f"Another simulated lock listens at {path}. Stop it, or choose another path for {option}.")
    _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
