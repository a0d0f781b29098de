"""Leases: one run at a time has a target; the kernel's file lock decides, the holder file beside it only explains.

They are kept by port in one folder of the user's, so that two bench files that name the same port meet there.
"""

import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.private_files import write_private

from ..errors import BenchFault
from .file import port
from .targets import Spec

_PAUSE = 0.1


def lease_folder() -> Path:
    """Return the folder that all runs of this user share, which it makes; raise BenchFault where it is not safe."""
    folder = Path(tempfile.gettempdir(), f"latchwire-leases-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise BenchFault(f"The folder {folder} for leases cannot be made: {error.strerror}.") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise BenchFault(f"The folder {folder} for leases is not yours alone. Remove it, and try again.")
    return folder


@contextmanager
def leased(specs: Sequence[Spec], folder: Path, *, wait: float = 0, first: int = 0) -> Iterator[Spec]:
    """Yield one of the targets, which nobody else has meanwhile: the first that is free, counted from `first`.

    A simulated lock is made for its run, and needs no lease. Raises BenchFault with who holds them where none becomes
    free within `wait` seconds.
    """
    turned = [*specs[first % len(specs) :], *specs[: first % len(specs)]]
    end = time.monotonic() + wait
    while True:
        for spec in turned:
            lease = _Lease(spec, folder)
            if lease.take():
                try:
                    yield spec
                finally:
                    lease.give_back()
                return
        if time.monotonic() >= end:
            raise BenchFault(" ".join(_Lease(spec, folder).sentence() for spec in specs))
        time.sleep(_PAUSE)


def free(specs: Sequence[Spec], folder: Path) -> int:
    """Return how many of the targets nobody has now."""
    count = 0
    for spec in specs:
        lease = _Lease(spec, folder)
        if lease.take():
            lease.give_back()
            count += 1
    return count


class _Lease:
    def __init__(self, spec: Spec, folder: Path) -> None:
        self._spec = spec
        key = hashlib.sha256("\n".join(port(spec)).encode()).hexdigest()[:16]
        self._holder = folder / f"{key}.holder"
        self._lock = FileLock(folder / f"{key}.lock", mode=0o600, thread_local=False)

    def take(self) -> bool:
        """Take it at once; tell whether it was free."""
        if self._spec.simulated:
            return True
        try:
            self._lock.acquire(blocking=False)
            write_private(self._holder, json.dumps({"pid": os.getpid()}).encode())
        except Timeout:
            return False
        except OSError as error:
            raise BenchFault(f"The lease {self._lock.lock_file} cannot be taken: {error.strerror}.") from None
        return True

    def give_back(self) -> None:
        """Let others take it."""
        if self._lock.is_locked:  # after the release the holder file is another process's
            with suppress(OSError):  # a name that stays explains nothing and does no harm
                self._holder.unlink()
            self._lock.release()

    def sentence(self) -> str:
        """Say who has it."""
        try:
            who = f"process {json.loads(self._holder.read_bytes())['pid']}"
        except (OSError, ValueError, LookupError, TypeError):  # just taken, or just given back
            who = "another process"
        return (
            f"The target {self._spec.title} is in use by another run ({who}). "
            "Wait until that ends (--lock-wait SECONDS does), or name another target."
        )
