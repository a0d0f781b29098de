import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.errors import DamagedState, LockHeld
from bridge.store.folder import StateFolder
from bridge.store.ownership import Ownership

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
WIRE_ID = 0x1A2B3C4D
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bridge.store.folder import StateFolder
from bridge.store.ownership import Ownership

now = datetime(2026, 5, 4, 11, 0, tzinfo=UTC)
folder, wire_id = StateFolder(Path(sys.argv[1])), int(sys.argv[2])
with Ownership.acquire(folder, wire_id, "front", command="latchwire serve", idle=2.5, now=now):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.open(tmp_path / "state")


def acquire(folder: StateFolder, wire_id: int = WIRE_ID) -> Ownership:
    return Ownership.acquire(folder, wire_id, "back door", command="latchwire pin", idle=20.0, now=NOW)


def holder_file(folder: StateFolder) -> Path:
    return folder.locks / "1a2b3c4d.holder"


@contextmanager
def another_process(folder: StateFolder) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock until its standard input closes."""
    command = [sys.executable, "-c", HOLDER, str(folder.path), str(WIRE_ID)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_lock_held_by_another_process_is_refused_by_its_command_and_age(folder: StateFolder) -> None:
    with another_process(folder) as process:
        with pytest.raises(LockHeld) as caught:
            acquire(folder)
        assert str(caught.value) == (
            f"The lock back door is in use by `latchwire serve` (process {process.pid}) since "
            "2026-05-04T11:00:00+00:00. Stop that, or wait: it lets go of the lock 2.5 s after its last request."
        )
        acquire(folder, WIRE_ID + 1).release()


def test_a_released_lock_is_free_and_nameless(folder: StateFolder) -> None:
    with another_process(folder) as process:
        process.communicate()
        assert not holder_file(folder).exists()
        acquire(folder).release()
    assert process.returncode == 0


def test_a_killed_holder_leaves_no_hold_and_its_stale_name_is_replaced(folder: StateFolder) -> None:
    with another_process(folder) as process:
        process.kill()
        process.wait()
        assert json.loads(holder_file(folder).read_bytes())["pid"] == process.pid
        with acquire(folder):
            said = json.loads(holder_file(folder).read_bytes())
    since = "2026-05-04T12:00:00+00:00"
    assert said == {"pid": os.getpid(), "command": "latchwire pin", "since": since, "idle": 20.0}


def test_the_same_process_cannot_take_a_lock_twice(folder: StateFolder) -> None:
    with acquire(folder):
        with pytest.raises(LockHeld, match=rf"`latchwire pin` \(process {os.getpid()}\)"):
            acquire(folder)
        with pytest.raises(LockHeld):  # the refused attempt took nothing away
            acquire(folder)
    acquire(folder).release()


def test_a_hold_ends_with_its_block_also_by_an_error(folder: StateFolder) -> None:
    with pytest.raises(ZeroDivisionError), acquire(folder):
        raise ZeroDivisionError
    acquire(folder).release()


def test_another_thread_may_release(folder: StateFolder) -> None:
    held = asyncio.run(asyncio.to_thread(acquire, folder))
    with pytest.raises(LockHeld):
        acquire(folder)
    held.release()
    acquire(folder).release()


def test_a_second_release_leaves_the_next_holder_alone(folder: StateFolder) -> None:
    first = acquire(folder)
    first.release()
    with acquire(folder):
        first.release()
        assert holder_file(folder).exists()
        with pytest.raises(LockHeld):
            acquire(folder)


NO_SECONDS = [
    b'{"pid": 7, "command": "x", "since": "y"%s}' % idle for idle in (b"", b', "idle": null', b', "idle": "z"')
]


@pytest.mark.parametrize("said", [None, b"", b"{", b"[]", b"null", b"{}", b"\xff", *NO_SECONDS])
def test_a_missing_or_garbled_name_still_refuses(folder: StateFolder, said: bytes | None) -> None:
    with acquire(folder):
        if said is None:
            holder_file(folder).unlink()
        else:
            holder_file(folder).write_bytes(said)
        with pytest.raises(LockHeld, match=r"in use by another process\. Stop that, or wait, and try again\.$"):
            acquire(folder)


def test_a_hold_that_cannot_be_named_is_not_kept(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("bridge.store.ownership.write_private", full)
    with pytest.raises(DamagedState, match="no space left") as caught:
        acquire(folder)
    monkeypatch.undo()
    acquire(folder).release()
    assert caught.tb  # its frames outlive the hold: not the collector has released it


def test_a_name_that_cannot_be_removed_keeps_nobody_from_the_lock(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frozen(_path: Path, **_how: bool) -> None:
        raise OSError("the disk is read-only")

    held = acquire(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", frozen)
        held.release()
    acquire(folder).release()


def test_both_files_are_private(folder: StateFolder) -> None:
    before = os.umask(0)
    try:
        with acquire(folder):
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.locks.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"1a2b3c4d.lock": 0o600, "1a2b3c4d.holder": 0o600}
