"""What is kept of tests: of failed ones, or of all, also where the run was killed; never digits, and never in vain."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import bridge.links.ble  # noqa: F401  what is imported within a run of pytester's is forgotten, and comes only once
from hil.bench.control import ControlSocket
from hil.hands import Entry
from hil.recording.keeping import file_name
from hil.recording.reading import read_recording
from hil.recording.trace import What
from protocol.framing import Frame
from protocol.session import BridgeSession
from tests.hil.suites import ROOT

PLUGINS = ("no:cacheprovider", "pytest_timeout", "xdist.plugin", "hil.plugin")
PASSES = """
async def test_passes(session):
    await session.status()
"""
FAILS = """
from tests.hil.recorded import ANNA

async def test_fails(session, keypad, capture):
    await session.create(ANNA)
    capture.note("Somebody comes.")
    await keypad.enter(ANNA.digits)
    assert [event.name for event in capture.messages][-2:] == ["create_pin", "create_pin"]
    assert False, "as it has to"
"""
NEVER_ENDS = """
import os

async def test_never_ends(session):
    await session.status()
    os.write(2, b"now")
    os.read(0, 1)
"""
NO_LOCK = """
def test_without_a_lock():
    assert False
"""


pytest_plugins = ("pytester",)


def words(*options: str) -> list[str]:
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    return [sys.executable, "-m", "pytest", "-q", "-c", "pytest.ini", *plugins, *options]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """A folder with the tests of a run."""
    pytester.makefile(".ini", pytest="[pytest]\naddopts = --import-mode=importlib\n")
    return pytester.path


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """What runs a file of tests, and returns the exit code and what was said."""

    def in_this_process(source: str, *options: str) -> tuple[int, str]:
        (pytester.path / "test_it.py").write_text(source)
        done = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", *options)
        return int(done.ret), f"{done.stdout}\n{done.stderr}"

    return in_this_process


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def kept(folder: Path) -> list[str]:
    """Return the names of the files that were kept."""
    return sorted(each.name for each in folder.glob("*.lock-artifacts/*"))


def test_a_failed_test_is_kept_with_its_trace_in_the_report(folder: Path, run: Run) -> None:
    code, said = run(PASSES + FAILS, "--junit-xml", "junit.xml")
    assert code == 1, said
    assert kept(folder) == ["test_it.test_fails.pcapng", "test_it.test_fails.trace"]
    trace, capture = (folder / ".lock-artifacts" / f"test_it.test_fails.{end}" for end in ("trace", "pcapng"))
    events = read_recording(trace).events
    assert [event.what for event in events[-4:]] == [What.ANSWER, What.NOTE, What.HAND, What.END]
    assert events[-1].name == "failed"
    assert len(read_recording(capture).events) == len(events)
    assert "lock trace" in said
    assert "·  note      Somebody comes." in said
    properties = ElementTree.parse(folder / "junit.xml").findall(".//property")  # noqa: S314  our own
    assert [(each.get("name"), each.get("value")) for each in properties] == [
        ("lock_trace", ".lock-artifacts/test_it.test_fails.trace"),
        ("lock_capture", ".lock-artifacts/test_it.test_fails.pcapng"),
    ]


def test_nobody_else_may_read_what_is_kept(folder: Path, run: Run) -> None:
    run(FAILS)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.glob(".lock-artifacts/*")}
    assert modes == {0o600}


def test_nothing_is_kept_where_nothing_failed_and_nothing_of_a_test_without_a_lock(folder: Path, run: Run) -> None:
    assert run(PASSES)[0] == 0
    assert run(NO_LOCK)[0] == 1
    assert not (folder / ".lock-artifacts").exists()


def test_a_test_that_passes_takes_away_what_was_kept_when_it_failed(folder: Path, run: Run) -> None:
    run(FAILS)
    (folder / ".lock-artifacts" / "test_it.test_fails.12.trace").touch()  # a further try
    others = ["test_it.test_other.trace", "test_other.test_fails.pcapng"]
    for name in others:
        (folder / ".lock-artifacts" / name).touch()
    assert run(FAILS.replace("assert False", "assert True"))[0] == 0
    assert kept(folder) == others


def test_a_failure_before_the_test_is_kept_too(folder: Path, run: Run) -> None:
    broken = "import pytest\n\n@pytest.fixture\ndef broken(session):\n    assert False\n\ndef test_it(broken): pass\n"
    code, said = run(broken)
    assert code == 1, said
    assert "lock trace" in said
    assert kept(folder) == ["test_it.test_it.pcapng", "test_it.test_it.trace"]


def test_all_are_kept_where_that_is_asked_for(folder: Path, run: Run) -> None:
    code, said = run(PASSES + NO_LOCK.replace("False", "True"), "--lock-keep=all", "--lock-artifacts=a.lock-artifacts")
    assert code == 0, said
    assert kept(folder) == ["test_it.test_passes.pcapng", "test_it.test_passes.trace"]
    last = read_recording(folder / "a.lock-artifacts" / "test_it.test_passes.trace").events[-1]
    assert (last.what, last.name) == (What.END, "passed")


def test_in_several_processes_each_keeps_its_own_and_reports_tell_of_it(folder: Path) -> None:
    two = FAILS + FAILS.replace("test_fails", "test_fails_too")
    (folder / "test_it.py").write_text(two)
    done = subprocess.run(
        words("-n2", "--junit-xml", "junit.xml"), cwd=folder, env=environment(),
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    said = done.stdout
    assert done.returncode == 1, said
    assert len(kept(folder)) == 4
    assert said.count("- lock trace -") == 2
    properties = ElementTree.parse(folder / "junit.xml").findall(".//property")  # noqa: S314  our own
    assert len(properties) == 4


def test_a_run_that_was_killed_leaves_what_was_seen(folder: Path) -> None:
    (folder / "test_it.py").write_text(NEVER_ENDS)
    process = subprocess.Popen(
        words("--lock-keep=all", "--capture=no"), cwd=folder, env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        try:
            assert process.stderr.read(3) == b"now"
        finally:
            os.kill(process.pid, signal.SIGKILL)
    for end in ("trace", "pcapng"):
        found = read_recording(folder / ".lock-artifacts" / f"test_it.test_never_ends.{end}")
        assert found.events[-1].name == "status"
        assert found.cut == "The recording has no end: the run was cut off, or is not over."


def test_digits_show_where_that_is_asked_for(folder: Path, run: Run) -> None:
    for options, shown in (((), False), (("--lock-show-pins",), True)):
        run(FAILS, *options)
        trace = folder / ".lock-artifacts" / "test_it.test_fails.trace"
        assert ('digits="97531"' in trace.read_text()) is shown


@pytest.mark.parametrize("place", ["pytest.ini", "pytest.ini/below", "/proc/nowhere"])
def test_a_folder_that_cannot_be_written_ends_the_run_before_any_test(folder: Path, run: Run, place: str) -> None:
    assert folder
    code, said = run(PASSES, f"--lock-artifacts={place}")
    assert code == 4
    assert "ERROR: Captures of tests cannot be written to" in said
    assert "Traceback" not in said


def test_a_disk_that_fails_later_fails_no_test(folder: Path, run: Run) -> None:
    blocked = PASSES.replace(
        "await session.status()",
        "import pathlib; pathlib.Path('.lock-artifacts').write_text(''); await session.status()",
    )
    assert run(blocked)[0] == 0
    (folder / ".lock-artifacts").unlink()
    code, said = run(blocked + "    assert False\n")
    assert code == 1
    assert "The files of this test are not whole (" in said


def test_a_name_holds_no_digits_of_pins_and_only_what_a_file_may_be_called() -> None:
    name = file_name("tests/a.py::test_x[97531-Zoë/..]", show_pins=False)
    assert re.fullmatch(r"a\.test_x-Zo-[0-9a-f]{6}", name)
    assert name != file_name("others/a.py::test_x[97531-Zoë/..]", show_pins=False)
    assert file_name("test_a.py::test_x", show_pins=False) == "test_a.test_x"
    assert len(file_name("x" * 1000, show_pins=False)) <= 127


def test_tests_whose_names_differ_in_digits_alone_have_files_of_their_own(folder: Path, run: Run) -> None:
    source = FAILS.replace("async def", "import pytest\n@pytest.mark.parametrize('pin', ['97531', '86420'])\nasync def")
    run(source.replace("capture):", "capture, pin):"))
    assert kept(folder) == [f"test_it.test_fails{nth}.{end}" for nth in ("-2", "") for end in ("pcapng", "trace")]


NOT_OF_PINS = re.compile(rb"^ *-?\d+\.\d+|#\d+|# (?:began|seed): .*", re.MULTILINE)
"""Times, counters and seeds: five digits in a row are in them by chance."""


def used_digits(monkeypatch: pytest.MonkeyPatch) -> set[bytes]:
    """Return the digits of each pin that is sent or typed from here on."""
    used: set[bytes] = set()
    seal, enter = BridgeSession.seal, ControlSocket.enter

    def sealing(self: BridgeSession, body: bytes) -> Frame:
        used.update(re.findall(rb"\d{5,8}", body))
        return seal(self, body)

    async def entering(self: ControlSocket, digits: str) -> Entry:
        used.update(re.findall(rb"\d{5,8}", digits.encode()))
        return await enter(self, digits)

    monkeypatch.setattr(BridgeSession, "seal", sealing)
    monkeypatch.setattr(ControlSocket, "enter", entering)
    return used


def test_no_file_of_the_whole_suite_holds_digits(
    folder: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = used_digits(monkeypatch)
    words = ("-q", "--lock-keep=all", "--lock-seed=1", "-k", "not 65536")  # so many pings are no news
    done = pytester.runpytest_inprocess(*words, str(ROOT / "hil" / "conformance"))
    assert done.ret == 0
    files = list(folder.glob(".lock-artifacts/*"))
    assert len(files) > 200
    assert len(used) > 10
    digits = re.compile(rb"(?<![0-9A-Fa-f])(?:%s)(?![0-9A-Fa-f])" % b"|".join(used))
    for file in files:
        assert not digits.search(file.name.encode())
        assert not digits.search(NOT_OF_PINS.sub(b"", file.read_bytes())), file.name
