"""A D-Bus of our own, on which the stand-in for BlueZ can be what it stands for."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from ..errors import BenchError

_PATIENCE = 10
"""Seconds that the daemon may take to end."""

_CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
"""No service is ever started by this bus: it serves whoever is there already."""


@contextmanager
def private_bus(socket: Path | None = None) -> Iterator[str]:
    """Run a dbus-daemon that only this user can reach, and yield what DBUS_SYSTEM_BUS_ADDRESS is to be set to.

    It listens at `socket`, or at a path of its own. Raise BenchError where there is none.
    """
    program = shutil.which("dbus-daemon")
    if program is None:
        raise BenchError("The Bluetooth bench needs the program dbus-daemon: install the package dbus.")
    with tempfile.TemporaryDirectory(prefix="latchwire-bus-") as folder:
        configuration = Path(folder) / "bus.conf"
        configuration.write_text(_CONFIGURATION.format(path=_escaped((socket or Path(folder) / "bus").absolute())))
        complaints = Path(folder) / "complaints"
        with _running(program, configuration, complaints) as daemon:
            line = daemon.stdout.readline() if daemon.stdout else ""
            if not line:
                reason = complaints.read_text().strip()
                raise BenchError(f"dbus-daemon ended before it listened ({reason}): see whether it runs by itself.")
            yield line.strip()


@contextmanager
def _running(program: str, configuration: Path, complaints: Path) -> Iterator[subprocess.Popen[str]]:
    words = [program, f"--config-file={configuration}", "--nofork", "--nopidfile", "--nosyslog", "--print-address"]
    with (
        complaints.open("w") as errors,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True) as daemon,  # noqa: S603
    ):
        try:
            yield daemon
        finally:
            daemon.terminate()
            try:
                daemon.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _escaped(path: Path) -> str:
    """Return a path as an address of D-Bus has it, within XML."""
    return escape(quote(str(path), safe="/-_.*"))
