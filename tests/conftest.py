"""What tests of several folders share: a bus for those that look for BlueZ, and no certificates for those that call."""

import gc
import os
import re
import shutil
import ssl
from collections.abc import Iterator

import pytest

from hil.bluetooth.bus import private_bus

for _name in ("CI", "BUILD_NUMBER"):  # a pytest within a test says less or more where it finds one
    os.environ.pop(_name, None)

DRAWN = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b")
"""Addresses and correlation ids: one in a hundred thousand holds the digits that a test sees to be told to nobody."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients over plain HTTP: without it each of them loads all certificates, which takes longer than its call."""


gc.disable()


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what lasts: 8,000 tests, and all that they import."""
    gc.freeze()
    gc.enable()


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
