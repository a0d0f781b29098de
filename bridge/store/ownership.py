"""Who owns a lock: one process at a time; the kernel's file lock decides, the holder file beside it only explains."""

import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from ..errors import LockHeld
from ..private_files import write_private
from .folder import StateFolder, told


class Ownership:
    """The hold of this process on one lock, from `acquire` to `release`; any task or thread may release it.

    A process that dies loses its hold with it; the holder file that it leaves behind means nothing.
    """

    def __init__(self, lock: FileLock, holder: Path) -> None:
        self._lock = lock
        self._holder = holder

    @classmethod
    def acquire(
        cls, folder: StateFolder, wire_id: int, name: str, *, command: str, idle: float, now: datetime
    ) -> "Ownership":
        """Take the lock `wire_id` (u32) at once, or raise LockHeld, which names lock and holder: never waits.

        `command` is what others read, such as `latchwire serve`: without arguments, they may hold digits. `idle` is how
        many seconds after its last request this process lets go. A second hold of the same process is refused like any
        other. Raises DamagedState where the disk fails.
        """
        holder = folder.locks / f"{wire_id:08x}.holder"
        lock = FileLock(holder.with_suffix(".lock"), mode=0o600, thread_local=False)
        with told(holder):
            try:
                lock.acquire(blocking=False)
            except Timeout as error:
                raise LockHeld(_sentence(name, holder)) from error
            try:
                write_private(holder, _describe(command, idle, now))
            except BaseException:
                lock.release()
                raise
        return cls(lock, holder)

    def release(self) -> None:
        """Let others take the lock; a second release does nothing."""
        if self._lock.is_locked:  # after the release the holder file is another process's
            with suppress(OSError):  # a name that stays explains nothing and does no harm
                self._holder.unlink()
            self._lock.release()

    def __enter__(self) -> "Ownership":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _describe(command: str, idle: float, now: datetime) -> bytes:
    said = {"pid": os.getpid(), "command": command, "since": now.isoformat(timespec="seconds"), "idle": idle}
    return json.dumps(said).encode()


def _sentence(name: str, holder: Path) -> str:
    try:
        said = json.loads(holder.read_bytes())
        who = f"`{said['command']}` (process {said['pid']}) since {said['since']}"
        when = f": it lets go of the lock {said['idle']:g} s after its last request"
    except (OSError, ValueError, LookupError, TypeError):  # just taken, or just released
        who, when = "another process", ", and try again"
    return f"The lock {name} is in use by {who}. Stop that, or wait{when}."
