"""`latchwire conform`: the suite for people who know nothing of pytest, which runs it in a process of its own."""

import sys
import tempfile
from asyncio import CancelledError
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators

from bridge.cli.context import is_for_people, is_traced
from bridge.cli.progress import progress
from bridge.errors import UsageError

from ..errors import BenchFault
from ..report.results import Report, held_to
from ..requirements import Profile, Requirement, requirements
from .catalogue import tests, tests_of
from .process import Run, run_suite

_NEEDED = ("pytest", "jinja2")
_WORDS = {"passed": "passed", "failed": "FAILED", "error": "bench faults", "skipped": "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A requirement as a list shows it; `tests` is how many tests look at it."""

    id: str
    level: str
    profile: str
    section: str
    tests: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A requirement with all that belongs to it."""

    id: str
    level: str
    profile: str
    section: str
    since: int
    kept_by: str
    text: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        looking = "".join(f"\n    {test}" for test in self.tests) or "\n    none: no test of a lock can see it"
        return (
            f"{self.id} ({self.level}, profile {self.profile}, kept by {self.kept_by}, since version {self.since})\n"
            f"    {self.text}\n    Read section {self.section} of protocol/SPEC.md.\n\nTests that look at it:{looking}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One file of the suite that is through."""

    file: str
    counts: dict[str, int]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.file:24} {_told(self.counts)}" + "".join(f"\n    {note}" for note in self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the whole run has come to; `broken` is each broken requirement with its text."""

    verdict: str
    exit_code: int
    sentence: str
    counts: dict[str, int]
    broken: tuple[str, ...]
    repeat: tuple[str, ...]
    report: str | None

    def __str__(self) -> str:
        lines = ["", self.sentence, *(f"  {text}" for text in self.broken)]
        lines += ["To repeat:", *(f"  {command}" for command in self.repeat)] if self.repeat else []
        return "\n".join([*lines, *([f"The report is {self.report}."] if self.report else [])])


async def conform(
    target: str | None = None,
    *,
    profile: Profile = Profile.FULL,
    report: Path | None = None,
    bench: Path | None = None,
    exec_: Annotated[str | None, Parameter(name="--exec")] = None,
    label_file: Path | None = None,
    control: Path | None = None,
    capabilities: str | None = None,
    keys: Path | None = None,
    operator: bool = False,
    destructive: bool = False,
    realtime: bool = False,
    retries: int | None = None,
    quarantine: Path | None = None,
    reset: Literal["never", "failure", "module", "test"] | None = None,
    wait: float | None = None,
    total: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=604_800))] = 1800,
    keep: Literal["failed", "all"] | None = None,
    show_pins: bool = False,
    repro: str | None = None,
    seed: int | None = None,
    list_: Annotated[bool, Parameter(name="--list")] = False,
    explain: str | None = None,
) -> AsyncIterator[Listed | Explained | Chapter | Ended | tuple[Listed, ...]]:
    """Learn whether a lock conforms: exit code 0 yes, 1 no, 2 the bench failed, which says nothing of the lock.

    TARGET is `sim:` (a simulated lock), `sim:pty`, `sim:tcp`, `sim:ble`, or where a lock is: `serial:/dev/ttyUSB0`,
    `usb:SERIALNUMBER`, `tcp:HOST:PORT`, `ble:LOCKID`; with --bench the name of one of its targets, without a name its
    first one that is free. The suite takes all pins from the lock.

    Parameters
    ----------
    profile
        What the lock is held to: basic, schedule, security, persist, ble or full.
    report
        A folder for junit.xml, report.json, report.html and the captures of tests that have failed.
    bench
        A file that describes locks, their hands and their power: see hil/README.md.
    exec_
        A program that is the lock, its standard input and output the link: `--exec ./my_firmware`.
    label_file
        The label of a lock that is there, to pair with it.
    control
        The control socket of a simulated lock that runs elsewhere.
    capabilities
        What the lock can do, such as schedule,clock,bolt: it has to tell the same.
    keys
        A folder that keeps the keys by which locks know this bench.
    operator
        Somebody is at the lock, and does what the terminal asks.
    destructive
        Run at a real lock, too, what takes from it what its owner may want to keep: a reset.
    realtime
        Run what needs minutes on a wire.
    retries
        Try a test that fails so many times more, with a loss of power between; what passes then is told as flaky.
    quarantine
        A file of tests that may fail for now: see hil/README.md.
    reset
        When to bring the lock to rest anew, by its power: never, failure, module or test.
    wait
        Seconds to wait for a lock that another run has.
    total
        Seconds that the whole run may take.
    keep
        Whose captures to keep: failed or all.
    show_pins
        Show the digits of pins in captures and reports.
    repro
        SEED:TEST from a report: run that one test again with what it drew.
    seed
        Draw what a run with this seed has drawn.
    list_
        List the requirements of the profile, and run nothing.
    explain
        Tell all of one requirement, such as LW-042, and run nothing.
    """
    if is_traced():
        raise UsageError("--trace is for what the bridge asks. The suite keeps traces by --report DIR --keep all.")
    if explain is not None:
        yield explained(explain)
    elif list_:
        yield listed(profile)
    else:
        _require_packages()
        if exec_ and (target or bench):
            raise UsageError("--exec names the lock itself: leave the target and --bench out.")
        chosen = f"exec:{exec_}" if exec_ else target
        if chosen is None and bench is None:
            raise UsageError("Which lock? Name a target, such as `latchwire conform sim:`, or a bench file by --bench.")
        seed, test = _asked_again(repro) if repro else (seed, None)
        options = {
            "profile": profile.value, "bench": bench, "label-file": label_file, "control": control,
            "capabilities": capabilities, "keys": keys, "operator": operator, "destructive": destructive,
            "realtime": realtime, "retries": retries, "quarantine": quarantine, "reset": reset, "wait": wait,
            "keep": keep, "show-pins": show_pins, "seed": seed,
        }  # fmt: skip
        words = tuple(_words(options))
        with _folder(report) as folder:
            run = Run(target=chosen, report=folder, words=words, seconds=total, test=test)
            try:
                async for value in _results(run, report):
                    yield value
            except BenchFault as fault:
                if report:
                    _write_fault(report, run, profile, seed, str(fault))
                raise


def listed(profile: Profile) -> tuple[Listed, ...]:
    """Return the requirements that a lock of a profile has to keep."""
    return tuple(_listed(each) for each in held_to(profile))


def _listed(each: Requirement) -> Listed:
    looking = len(tests_of(each.id))
    return Listed(
        id=each.id, level=each.level, profile=each.profile, section=each.section, tests=looking, text=each.text
    )


def explained(wanted: str) -> Explained:
    """Return all of a requirement; raise UsageError where there is none of that id."""
    each = requirements().get(wanted.upper())
    if each is None:
        first, *_, last = requirements()
        raise UsageError(f"No requirement is called {wanted}: they are {first} to {last}. See `conform --list`.")
    looking = tuple(test.id for test in tests_of(each.id))
    return Explained(
        id=each.id, level=each.level, profile=each.profile, section=each.section, since=each.since,
        kept_by="lock and bridge" if each.role == "both" else str(each.role), text=each.text, tests=looking,
    )  # fmt: skip


def _write_fault(report: Path, run: Run, profile: Profile, seed: int | None, why: str) -> None:
    """Write the report of a suite that could not even begin, where there can be one."""
    from ..report.reporting import write  # noqa: PLC0415  pytest is needed for the suite alone

    told = Report(
        place=run.target or "", profile=profile, seed=seed or 0, begun=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0, version=version("latchwire"), results=(), stopped=why,
    )  # fmt: skip
    with suppress(OSError):  # the fault may be that there can be none
        report.mkdir(parents=True, exist_ok=True)
        write(told, report)


def _words(options: Mapping[str, object]) -> Iterator[str]:
    """Yield pytest's words for the options that were given."""
    for name, value in options.items():
        if value is not None and value is not False:
            yield f"--lock-{name}" if value is True else f"--lock-{name}={value}"


def _require_packages() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(f"The suite needs {' and '.join(missing)}: `pip install 'latchwire[hil]'`.")


def _asked_again(repro: str) -> tuple[int, str]:
    """Take SEED:TEST apart; raise UsageError where it is none."""
    seed, _, test = repro.partition(":")
    if not seed.isdecimal() or not test:
        raise UsageError("--repro takes SEED:TEST as a report has it, such as 7:test_pins.py::test_…; see report.json.")
    if test.partition("[")[0] not in {each.id for each in tests()}:
        raise UsageError(f"The suite has no test {test}; a report has its whole name.")
    return int(seed), test


@contextmanager
def _folder(report: Path | None) -> Iterator[Path]:
    if report is not None:
        yield report.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="latchwire-conform-") as folder:
        yield Path(folder)


async def _results(run: Run, kept: Path | None) -> AsyncIterator[Chapter | Ended]:
    """Yield each chapter when it is through, then what all has come to; tell a person what an interrupt has left."""
    chapter, total, outcomes = Counted(), 0, Counter[str]()
    try:
        async with progress("tests") as telling:
            async for event in run_suite(run):
                if "total" in event:
                    total = event["total"]
                    continue
                file = event.get("test", "").partition("::")[0]
                if chapter.ended and file != chapter.file:
                    telling.clear()
                    yield chapter.close()
                if "report" in event:
                    yield _ended(event["report"], kept)
                    continue
                chapter.take(file, event)
                outcomes[event["outcome"]] += 1
                telling.tell(outcomes.total(), total)
    except CancelledError:
        if is_for_people():
            done = outcomes.total()
            page = f" The report of it is {_page(kept)}." if kept and (kept / "report.json").exists() else ""
            what = f"after {done} of {total} tests: {_told(outcomes)}" if done else "before a test had ended"
            sys.stderr.write(f"latchwire: Interrupted {what}.{page}\n")
        raise


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {_WORDS.get(outcome, outcome)}" for outcome, count in counts.items())


def _page(kept: Path) -> Path:
    return kept / "report.html"


class Counted:
    """Gathers what tests of one file after another have come to; what has been told once is counted after that."""

    def __init__(self) -> None:
        self.file = ""
        self.ended: list[dict[str, Any]] = []
        self._told: set[str] = set()

    def take(self, file: str, event: dict[str, Any]) -> None:
        """Take one test that has ended."""
        self.file = file
        self.ended.append(event)

    def close(self) -> Chapter:
        """Return the chapter, and begin the next."""
        counts = dict(Counter(each["outcome"] for each in self.ended))
        bad = [each for each in self.ended if each["outcome"] in ("failed", "error")]
        notes = tuple(f"{each['test']}: {_first_line(each)}" for each in bad if self._is_new(_first_line(each)))
        self.ended = []
        return Chapter(file=self.file, counts=counts, notes=notes)

    def _is_new(self, message: str) -> bool:
        known = message in self._told
        self._told.add(message)
        return not known


def _first_line(event: dict[str, Any]) -> str:
    return str(event["message"]).partition("\n")[0]


def _ended(report: dict[str, Any], kept: Path | None) -> Ended:
    broken = (each for each in report["requirements"] if each["kept"] == "broken")
    return Ended(
        verdict=report["verdict"],
        exit_code=report["exit_code"],
        sentence=report["sentence"],
        counts=report["counts"],
        broken=tuple(f"{each['id']} {each['text']}" for each in broken),
        repeat=tuple(each["repeat"] for each in report["tests"] if each["outcome"] == "failed"),
        report=str(_page(kept)) if kept else None,
    )
