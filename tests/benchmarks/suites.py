"""What a test costs before it has tested anything: a hello over a pty, by our plugin and by other ways to write it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from protocol.framing import encode_frame
from protocol.messages.hello import Mode
from protocol.session import hello_request

from .locks import started
from .measuring import BenchmarkFailed, Figure
from .raw import ROOT

TESTS = 200
FEW = 20
"""Tests of the way that takes a third of a second for each."""
MANY = 10
"""Times as many of the way that takes a millisecond: how long pytest itself takes to start is not the same twice."""
LIMIT_MS = 10
PATIENCE = 120
EMBEDDED = Path(sys.prefix) / "embedded"
"""Where `make bench` puts pytest-embedded, whose fixtures no other run of ours is to find."""
_HELLO = encode_frame(hello_request(Mode.PAIR, 0, 1), max_frame=256)
_OURS = """
import pytest
from protocol.messages.hello import Mode

@pytest.mark.parametrize("number", range({count}))
async def test_hello(lock, number):
    await lock.greet(await lock.connect(), Mode.SESSION)
"""
_BARE = """
import pytest, serial

@pytest.fixture(scope="session")
def port():
    with serial.Serial({port!r}, timeout=2) as port:
        yield port

@pytest.mark.parametrize("number", range({count}))
def test_hello(port, number):
    port.write({hello!r})
    while not port.read_until(b"\\0").strip(b"\\0"):
        pass
"""
_THEIRS = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_hello(dut, number):
    dut.write({hello!r})
    dut.expect(rb"\\x00[^\\x00]+\\x00", timeout=2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way to write the test: its file, and what pytest is told."""

    source: str
    words: tuple[str, ...]
    path: str = ""


def overhead(folder: Path, share: float) -> Iterator[Figure]:
    """Yield the one figure, measured with that share of the tests."""
    count = max(2, round(TESTS * share))
    port, label, control = (str(folder / name) for name in ("lock", "label", "ctl"))
    place = ("--serial", port, "--label-file", label, "--control", control)
    with started(
        "bridge.cli", "sim", "run", *place, "--pairing-open", "--json"
    ):  # its flash is memory: no disk is timed
        to_pair = ("--lock-label-file", label, "--lock-control", control)
        ours = _Way(source=_OURS, words=("-p", "hil.plugin", "--lock-target", f"serial:{port}", *to_pair))
        bare = _Way(source=_BARE, words=())
        told = f"a bare pytest with pyserial {_each(bare, folder, port, MANY * count):.1f} ms"
        theirs = _Way(
            source=_THEIRS,
            words=("-p", "pytest_embedded.plugin", "--embedded-services", "serial", "--port", port),
            path=str(EMBEDDED),
        )
        if EMBEDDED.exists():
            told += f", pytest-embedded {_each(theirs, folder, port, max(2, round(FEW * share))):.0f} ms"
        else:
            told += f"; pytest-embedded is not in {EMBEDDED.name} (`make bench` puts it there)"
        taken = _each(ours, folder, port, count)
    yield Figure(
        name="a test at a lock on a pty",
        value=taken,
        unit="ms",
        note=f"of {count}; each begins with a new session, no pins and the clock set. In the same run {told}",
        aim=f"overhead of a test on a pty at most {LIMIT_MS} ms",
        met=taken <= LIMIT_MS,
    )


def _each(way: _Way, folder: Path, port: str, count: int) -> float:
    """Return the milliseconds that each further test takes."""
    one, all_of_them = (_seconds(way, folder, port, number) for number in (1, 1 + count))
    return max(1e-3, 1000 * (all_of_them - one) / count)


def _seconds(way: _Way, folder: Path, port: str, count: int) -> float:
    file = folder / "test_hello.py"
    file.write_text(way.source.format(count=count, port=port, hello=_HELLO))
    words = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", os.devnull, *way.words, str(file)]
    path = os.pathsep.join(filter(None, [way.path, str(ROOT)]))
    environment = os.environ | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    start = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    taken = perf_counter() - start
    if done.returncode or f"{count} passed" not in done.stdout:
        raise BenchmarkFailed(f"pytest said {(done.stdout + done.stderr)[-300:]}")
    return taken
