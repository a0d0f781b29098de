"""Keeps what has passed between bench and lock during a test: as a capture and as a trace, where the test has failed.

In a run of several processes each keeps the tests that it runs; what a report tells of it travels with the report.
"""

import hashlib
import os
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import cached_property
from io import FileIO
from pathlib import Path

import pytest

from ..line import Body, Ear, Way, unopened
from .capture import Capture, Seen
from .pcapng import Packet, PcapngWriter
from .trace import head, line, moment

FOLDER = Path(".lock-artifacts")
SECTION = "lock trace"
TRACE, CAPTURE = "lock_trace", "lock_capture"
"""The names under which a report tells where the files are."""
_TOLD_LINES = 40
_LONGEST_NAME = 120
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.]+")
_DIGITS = re.compile(r"\d{5,}")
_ENDS = (".trace", ".pcapng")
_FURTHER_TRY = re.compile(r"\.\d{1,2}$")


class TestEar:
    """The ear of a whole run: what it hears belongs to the test that runs."""

    __test__ = False

    def __init__(self) -> None:
        self.capture = Capture()

    def frame(self, way: Way, data: bytes, body: Body = unopened) -> None:
        """Take a frame, or what should have been one."""
        self.capture.frame(way, data, body)

    def hand(self, verb: str, told: Mapping[str, object]) -> None:
        """Take what a hand has done."""
        self.capture.hand(verb, told)


EAR = pytest.StashKey[Ear]()
_KEPT = pytest.StashKey["_Kept"]()


class Files:
    """The two files of a test; they are made with the first event, and whatever is seen is in them at once."""

    def __init__(self, stem: Path, header: Mapping[str, str], began: int) -> None:
        self.trace = stem.with_name(f"{stem.name}.trace")
        self.capture = stem.with_name(f"{stem.name}.pcapng")
        self.broken: str | None = None
        self._header = header
        self._began = began
        self._open: list[FileIO] = []
        self._packets: PcapngWriter | None = None

    def write(self, seen: Seen) -> None:
        """Keep an event; a disk that fails stops no test, and `broken` tells of it."""
        try:
            if self._packets is None:
                self._packets = self._begun()
            event = seen.event
            self._packets.write(Packet(at=event.at, way=event.way, data=seen.data, comment=str(event)))
            self._open[0].write(f"{line(event, self._began)}\n".encode())
        except OSError as error:
            self.broken = self.broken or str(error.strerror)

    def close(self) -> None:
        """Give the files back."""
        for file in self._open:
            file.close()

    def _begun(self) -> PcapngWriter:
        self.trace.parent.mkdir(parents=True, exist_ok=True)
        self._open = [_new(self.trace), _new(self.capture)]
        text = head(self._header)
        self._open[0].write(text.encode())
        return PcapngWriter(self._open[1], text.rstrip("\n"))


class _Kept:
    """What is known of one test while it runs."""

    def __init__(self, capture: Capture, files: Files) -> None:
        self.capture = capture
        self.files = files
        self.keeping = False
        self.outcome = "passed"

    def keep(self) -> None:
        """Write all of it from here on, and what has been so far."""
        if not self.keeping:
            self.keeping = True
            self.capture.keep(self.files)


class Keeper:
    """The hooks. A test's files are those of its last run: older ones of its name go when it begins."""

    def __init__(self, config: pytest.Config, ear: TestEar, runner: str) -> None:
        option = config.option
        self._runner = runner
        beside = option.lock_report / "captures" if option.lock_report else FOLDER
        self._folder: Path = option.lock_artifacts or beside
        self._all: bool = option.lock_keep == "all"
        self._show_pins: bool = option.lock_show_pins
        self._header = {"target": str(option.lock_target), "seed": str(option.lock_seed)}
        self._ear = ear
        self._names: dict[str, str] = {}
        self._tries: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give each test a name for its files, the same in every process of a run.

        Raises UsageError where what is to be kept of a lock's tests could not be written.
        """
        if any(self._runner in getattr(item, "fixturenames", ()) for item in items):
            _see_that_it_can_be_written(self._folder)
        taken: Counter[str] = Counter()
        for item in items:
            name = file_name(item.nodeid, show_pins=self._show_pins)
            taken[name] += 1
            self._names[item.nodeid] = name if taken[name] == 1 else f"{name}-{taken[name]}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin to hear."""
        self._tries[item.nodeid] += 1
        tries = self._tries[item.nodeid]
        name = self._names[item.nodeid]
        capture = Capture(show_pins=self._show_pins)
        test = item.nodeid if self._show_pins else _DIGITS.sub("•••••", item.nodeid)
        header = {"test": test, **self._header, "began": moment(capture.began)}
        stem = self._folder / (name if tries == 1 else f"{name}.{tries}")
        kept = item.stash[_KEPT] = _Kept(capture, Files(stem, header, capture.began))
        for file in self._older.pop(name, ()):
            file.unlink(missing_ok=True)
        self._ear.capture = capture
        if self._all:
            kept.keep()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep a failed test's files, and let its report tell of them."""
        report = yield
        kept = item.stash.get(_KEPT, None)
        if kept is None:
            return report
        if report.outcome != "passed" and kept.outcome != "failed":
            kept.outcome = report.outcome
        if report.failed:
            kept.keep()
        if call.when == "teardown":
            if not kept.capture.empty:
                kept.capture.end(kept.outcome)
            kept.files.close()
        self._tell(report, kept)
        return report

    @pytest.fixture
    def capture(self, request: pytest.FixtureRequest) -> Capture:
        """What has passed between bench and lock so far in this test: `capture.messages`, `capture.note("…")`."""
        kept: _Kept = request.node.stash[_KEPT]
        return kept.capture

    @cached_property
    def _older(self) -> dict[str, list[Path]]:
        """The files of earlier runs by the name of their test, those of its further tries with them.

        The folder is read once: a run may have thousands of tests, most of them without a lock.
        """
        older = defaultdict(list)
        names = set(self._names.values())
        with suppress(OSError):  # no folder, or none of ours
            for file in self._folder.iterdir():
                if file.suffix in _ENDS:
                    older[file.stem if file.stem in names else _FURTHER_TRY.sub("", file.stem)].append(file)
        return older

    def _tell(self, report: pytest.TestReport, kept: _Kept) -> None:
        if kept.capture.empty:
            return
        if report.failed:
            told = [line(event, kept.capture.began) for event in kept.capture.events[-_TOLD_LINES:]]
            if kept.files.broken:
                told.append(f"The files of this test are not whole ({kept.files.broken}).")
            report.sections.append((SECTION, "\n".join(told)))
        if kept.keeping:  # the report of the test's end too: that is where JUnit looks
            report.user_properties += [(TRACE, str(kept.files.trace)), (CAPTURE, str(kept.files.capture))]


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options of captures."""
    told = f"takes captures and traces (default: captures in that of --lock-report, else {FOLDER})"
    group.addoption("--lock-artifacts", type=Path, metavar="DIR", help=told)
    group.addoption("--lock-keep", choices=["failed", "all"], default="failed",
                    help="of which tests: those that failed (the default), or all, written as it happens")  # fmt: skip
    group.addoption("--lock-show-pins", action="store_true",
                    help="show digits in captures and traces, which name pins otherwise")  # fmt: skip


def keep_captures(config: pytest.Config, runner: str) -> None:
    """Let tests be heard that stand on the fixture `runner`."""
    ear = config.stash[EAR] = TestEar()
    config.pluginmanager.register(Keeper(config, ear, runner), "latchwire-keeper")


def file_name(nodeid: str, *, show_pins: bool) -> str:
    """Return the name of a test's files, without an end; it shows no digits of a pin in the test's parameters."""
    path, _, name = (nodeid if show_pins else _DIGITS.sub("", nodeid)).partition("::")
    told = _NOT_IN_NAMES.sub("-", f"{Path(path).stem}.{name}").strip("-.")
    if len(told) <= _LONGEST_NAME and Path(path).name == path:
        return told
    digest = hashlib.sha256(nodeid.encode()).hexdigest()[:6]  # two folders may have files of one name
    return f"{told[:_LONGEST_NAME]}-{digest}"


def _see_that_it_can_be_written(folder: Path) -> None:
    """Try it in the folder, or the one in which it would be made; nothing remains."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise pytest.UsageError(
            f"Captures of tests cannot be written to {folder} ({error.strerror}). Give another by --lock-artifacts."
        ) from None


def _new(path: Path) -> FileIO:
    """Return a new file without a buffer that nobody else may read."""
    return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w")
