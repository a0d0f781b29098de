"""What tests of several folders share: a bus for those that look for BlueZ, and no certificates for those that call."""

import os
import shutil
import ssl
from collections.abc import Iterator

import pytest

from hil.bluetooth.bus import private_bus

for _name in ("CI", "BUILD_NUMBER"):  # a pytest within a test says less or more where it finds one
    os.environ.pop(_name, None)

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients over plain HTTP: without it each of them loads all certificates, which takes longer than its call."""


def skip_without_a_bus() -> None:
    """Skip the test where no bus can be run."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("There is no dbus-daemon here: install the package dbus to run these tests.")


@pytest.fixture(scope="module")
def module_bus() -> Iterator[str]:
    skip_without_a_bus()
    with private_bus() as address:
        yield address


@pytest.fixture
def bus(module_bus: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a bus on which bleak will look for BlueZ."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", module_bus)
    return module_bus
