"""A bus for each module of tests."""

import shutil
from collections.abc import Iterator

import pytest

from hil.bluetooth.bus import private_bus


@pytest.fixture(scope="module")
def module_bus() -> Iterator[str]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("There is no dbus-daemon here: install the package dbus to run these tests.")
    with private_bus() as address:
        yield address


@pytest.fixture
def bus(module_bus: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a bus on which bleak will look for BlueZ."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", module_bus)
    return module_bus
