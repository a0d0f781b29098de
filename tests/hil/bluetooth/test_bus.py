"""A bus of our own: nobody else may enter, and nothing stays of it."""

import asyncio
import shutil
import stat
from pathlib import Path

import pytest
from dbus_fast.aio import MessageBus

from hil.bluetooth.bus import private_bus
from hil.errors import BenchError
from tests.conftest import skip_without_a_bus


def test_a_bus_is_for_its_user_alone_and_leaves_nothing(module_bus: str) -> None:
    with private_bus() as address:
        place = Path(address.removeprefix("unix:path=").partition(",")[0])
        assert address != module_bus
        assert place.is_socket()
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert not place.parent.exists()


def test_a_machine_without_the_daemon_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError, match="install the package dbus"), private_bus():
        pass


def test_a_daemon_that_does_not_run_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "dbus-daemon"
    fake.write_text(f"#!{shutil.which('sh')}\necho no more sockets >&2\nexit 1\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="no more sockets"), private_bus():
        pass


def test_a_bus_may_lie_at_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_a_bus()
    folder = tmp_path / "a & b, c=d é"
    folder.mkdir()
    monkeypatch.chdir(folder)

    async def scenario(address: str) -> None:
        bus = await MessageBus(bus_address=address).connect()
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    with private_bus(Path("bus")) as address:
        assert (folder / "bus").exists()
        asyncio.run(scenario(address))
