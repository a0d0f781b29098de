import asyncio
import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.errors import DamagedState, UnsafeState, UsageError
from bridge.private_files import create_private, write_private
from bridge.store.folder import StateFolder
from bridge.store.keys import load_or_create
from bridge.store.ownership import Ownership
from bridge.store.registry import Registry


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = StateFolder.open(tmp_path / "deep" / "state")
    finally:
        os.umask(before)
    assert [mode(path) for path in (folder.path, folder.keys, folder.locks)] == [0o700] * 3


def test_opening_a_safe_folder_again_changes_nothing(tmp_path: Path) -> None:
    folder = StateFolder.open(tmp_path / "state")
    write_private(folder.key_file, b"keys")
    assert StateFolder.open(tmp_path / "state") == folder
    assert folder.key_file.read_bytes() == b"keys"


@pytest.mark.parametrize("part", ["", "keys", "locks"])
@pytest.mark.parametrize("bits", [0o710, 0o701, 0o720, 0o755])
def test_a_folder_open_to_others_is_refused_with_the_remedy(tmp_path: Path, part: str, bits: int) -> None:
    place = StateFolder.open(tmp_path / "state").path / part
    place.chmod(bits)
    with pytest.raises(UnsafeState) as caught:
        StateFolder.open(tmp_path / "state")
    assert f"{place} has mode {bits:04o}" in str(caught.value)
    assert f"`chmod 700 {place}`" in str(caught.value)
    assert mode(place) == bits


@pytest.mark.parametrize(
    "name", ["keys/bridge.key", "latchwire.db", "latchwire.db-journal", "latchwire.db-wal", "latchwire.db-shm"]
)
@pytest.mark.parametrize("bits", [0o604, 0o640, 0o602])
def test_a_secret_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, name: str, bits: int) -> None:
    file = StateFolder.open(tmp_path / "state").path / name
    write_private(file, b"")
    StateFolder.open(tmp_path / "state")
    file.chmod(bits)
    with pytest.raises(UnsafeState) as caught:
        StateFolder.open(tmp_path / "state")
    assert f"{file} has mode {bits:04o}" in str(caught.value)
    assert f"`chmod 600 {file}`" in str(caught.value)


def test_nothing_is_made_inside_an_unsafe_folder(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir()
    place.chmod(0o755)
    with pytest.raises(UnsafeState):
        StateFolder.open(place)
    assert list(place.iterdir()) == []


def test_the_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StateFolder.open(tmp_path / "state")
    owner = os.geteuid()
    monkeypatch.setattr("bridge.store.folder.os.geteuid", lambda: owner + 1)
    with pytest.raises(UnsafeState, match=rf"belongs to user {owner} and not to you \({owner + 1}\)"):
        StateFolder.open(tmp_path / "state")


def test_a_path_where_no_folder_can_be_is_refused_with_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"")
    with pytest.raises(UsageError, match=r"state cannot be made .*LATCHWIRE_STATE_DIR"):
        StateFolder.open(tmp_path / "state")


def test_a_command_to_run_survives_a_space_in_the_path(tmp_path: Path) -> None:
    place = StateFolder.open(tmp_path / "my state").path
    place.chmod(0o750)
    with pytest.raises(UnsafeState, match=f"`chmod 700 '{place}'`"):
        StateFolder.open(place)


def test_a_private_write_replaces_the_file_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a longer text from before")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError("no space left")

    path = tmp_path / "file"
    write_private(path, b"old")
    monkeypatch.setattr("bridge.store.folder.os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_write_reaches_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    seen: list[tuple[bool, bool]] = []

    def watch(handle: int) -> None:
        status = os.fstat(handle)
        seen.append((stat.S_ISREG(status.st_mode) and status.st_size == len(b"data"), path.exists()))

    monkeypatch.setattr("bridge.store.folder.os.fsync", watch)
    write_private(path, b"data")
    assert seen == [(True, False), (False, True)]


def test_a_private_file_is_created_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert create_private(path, b"first")
    assert not create_private(path, b"second")
    assert path.read_bytes() == b"first"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


async def open_registry(folder: StateFolder) -> None:
    await (await Registry.open(folder)).close()


def own_a_lock(folder: StateFolder) -> None:
    Ownership.acquire(folder, 1, "front", command="latchwire pin", idle=20, now=datetime(2026, 5, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("use", "place"),
    [
        (lambda folder: StateFolder.open(folder.path), "state"),
        (load_or_create, "bridge.key"),
        (lambda folder: asyncio.run(open_registry(folder)), "latchwire.db"),
        (own_a_lock, "00000001.holder"),
    ],
    ids=["folder", "keys", "registry", "ownership"],
)
@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO], ids=errno.errorcode.get)
def test_a_disk_that_fails_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[StateFolder], object], place: str, trouble: int
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise OSError(trouble, os.strerror(trouble))

    folder = StateFolder.open(tmp_path / "state")
    monkeypatch.setattr("bridge.store.folder.os.fsync", fail)
    if place == "state":
        monkeypatch.setattr("bridge.store.folder._require_private", fail)
    with pytest.raises(
        DamagedState, match=rf"{place} cannot be used \({os.strerror(trouble)}\)\. .*LATCHWIRE_STATE_DIR"
    ):
        use(folder)
    monkeypatch.undo()
    use(folder)


def test_a_key_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(_path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    folder = StateFolder.open(tmp_path / "state")
    load_or_create(folder)
    monkeypatch.setattr(Path, "read_bytes", forbid)
    with pytest.raises(DamagedState, match=r"bridge\.key cannot be used \(Permission denied\)"):
        load_or_create(folder)


def test_a_lock_file_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    folder = StateFolder.open(tmp_path / "state")
    (folder.locks / "00000001.lock").mkdir()
    with pytest.raises(DamagedState, match=r"00000001\.holder cannot be used \(Is a directory\)"):
        own_a_lock(folder)


def test_settings_and_folder_load_without_the_database_library() -> None:
    program = (
        "import sys, bridge.config, bridge.store.folder; "
        "sys.exit(bool({'sqlalchemy', 'cryptography', 'filelock'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
