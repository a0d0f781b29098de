"""The report of a run: collects what each test has shown, and writes JUnit, report.json and a page for people."""

import json
import os
import re
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ..recording.keeping import CAPTURE, SECTION
from ..requirements import Profile, requirements
from ..running.facts import FACTS
from ..running.measuring import PROPERTY as MEASURE
from ..running.retrying import PROPERTY as FLAKY
from .results import EVENT, Outcome, Report, Result, held_to, without_digits


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options of reports."""
    group.addoption("--lock-report", type=Path, metavar="DIR",
                    help="write junit.xml, report.json and report.html there")  # fmt: skip
    profiles = f"run what a lock of this profile has to keep: {', '.join(Profile)} (the default)"
    group.addoption("--lock-profile", type=Profile, default=Profile.FULL, metavar="PROFILE", help=profiles)
    events = "print a JSON object a line as each test ends, behind the character 1E; for programs"
    group.addoption("--lock-events", action="store_true", help=events)
    group.addoption("--lock-chosen", action="store_true", help="the run is of chosen tests: judge them alone")


def test_id(nodeid: str) -> str:
    """Return the id of a test as reports and --repro have it: its file's name, and its own."""
    path, separator, name = nodeid.partition("::")
    return f"{Path(path).name}{separator}{name}"


@dataclass(slots=True)
class _Seen:
    """What has been told of one test so far."""

    report: pytest.TestReport
    seconds: float = 0.0
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    began: bool = True
    trace: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    measurements: dict[str, dict[str, Any]] = field(default_factory=dict)


class Reporter:
    """Is told of each test's phases where the run is led, with or without workers, and writes the report at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._begun = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._seen: dict[str, _Seen] = {}
        self._facts: dict[str, Any] = {}
        self._stopped = ""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are."""
        self._tell({"total": len(session.items)})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test."""
        seen = self._seen.setdefault(report.nodeid, _Seen(report))
        seen.report = report
        seen.seconds += report.duration
        seen.properties |= dict(report.user_properties)
        measured = (value for name, value in report.user_properties if name == MEASURE)
        seen.measurements |= {value["name"]: value for value in measured if isinstance(value, dict)}
        seen.trace = next((text for title, text in report.sections if title == SECTION), seen.trace)
        self._facts |= getattr(report, "lock_facts", {})
        outcome, message = _ended(report)
        if _GRAVITY[outcome] > _GRAVITY[seen.outcome]:
            seen.outcome, seen.began = outcome, report.when == "call" and not report.__dict__.get("lock_setup")
        if message and message not in seen.message:
            seen.message = f"{seen.message}\n\n{message}".strip()
        if report.when == "teardown":
            told = self._result(seen)
            self._tell({"test": told.id, "outcome": told.outcome, "message": told.message})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write what was asked for."""
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            self._stopped = "The run was interrupted."
        if folder := self._config.option.lock_report:
            shows = self._config.option.lock_show_pins
            write(self.report(), folder, private=shows)
            junit = Path(self._config.option.xmlpath)
            if not shows and junit.exists():
                _hide_digits(junit)

    def report(self) -> Report:
        """Return what has been shown so far."""
        option = self._config.option
        return Report(
            place=self._facts.get("target", option.lock_target),
            profile=option.lock_profile,
            seed=option.lock_seed,
            begun=self._begun.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - self._clock, 3),
            version=version("latchwire"),
            results=tuple(map(self._result, self._seen.values())),
            facts=self._facts,
            chosen=option.lock_chosen,
            options=_given(option),
            stopped=self._stopped,
        )

    def _result(self, seen: _Seen) -> Result:
        return Result(
            id=test_id(seen.report.nodeid),
            title=_title(seen.report.nodeid),
            requirements=tuple(getattr(seen.report, "lock_requirements", ())),
            outcome=Outcome.FLAKY if FLAKY in seen.properties and seen.outcome is Outcome.PASSED else seen.outcome,
            began=seen.began,
            seconds=round(seen.seconds, 4),
            message=self._shown(seen.message),
            trace=seen.trace,
            capture=seen.properties.get(CAPTURE),
            tries=int(seen.properties.get(FLAKY, 1)),
            measurements=tuple(seen.measurements.values()),
        )

    def _shown(self, message: str) -> str:
        """Return a message as its readers need it: without digits, with the options as they give them."""
        option = self._config.option
        told = message.replace("--lock-", "--") if option.lock_events else message
        return told if option.lock_show_pins else without_digits(told)

    def _tell(self, event: dict[str, Any]) -> None:
        if self._config.option.lock_events:
            self._config.get_terminal_writer().line(f"\n{EVENT}{json.dumps(event)}")


def _given(option: Any) -> tuple[str, ...]:
    """Return the options of `latchwire conform` that a test needs to end again as it did."""
    words = list[str]()
    for name in ("bench", "label-file", "control", "capabilities", "keys", "reset"):
        value = getattr(option, f"lock_{name.replace('-', '_')}")
        words += [f"--{name}", str(value)] if value not in (None, "never") else []
    return (
        *words,
        *(f"--{name}" for name in ("operator", "destructive", "realtime") if getattr(option, f"lock_{name}")),
    )


_GRAVITY = {
    outcome: number
    for number, outcome in enumerate(
        (Outcome.PASSED, Outcome.SKIPPED, Outcome.QUARANTINED, Outcome.ERROR, Outcome.FAILED)
    )
}


def _ended(report: pytest.TestReport) -> tuple[Outcome, str]:
    if getattr(report, "wasxfail", None) is not None and report.skipped:
        return Outcome.QUARANTINED, str(report.wasxfail)
    if report.passed:
        return Outcome.PASSED, ""
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        return Outcome.SKIPPED, why.removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else str(report.longrepr)
    message = re.sub(r"^(?:\w+\.)*(?:Nonconformant|AssertionError): ", "", message)
    return Outcome.FAILED if report.when == "call" else Outcome.ERROR, message


def _title(nodeid: str) -> str:
    """Return the sentence that a test's name is."""
    name, bracket, parameters = nodeid.rpartition("::")[2].partition("[")
    sentence = name.removeprefix("test_").replace("_", " ")
    return sentence[:1].upper() + sentence[1:] + (f" ({parameters[:-1]})" if bracket else "")


class Marking:
    """Lets each test and its reports tell the requirements, and leaves out what the profile does not ask."""

    def __init__(self, config: pytest.Config) -> None:
        self._asked = {each.id for each in held_to(config.option.lock_profile)}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Write a test's requirements into its properties, which JUnit shows."""
        for item in items:
            if unknown := set(_requirements(item)) - requirements().keys():
                raise pytest.UsageError(f"{item.nodeid}: no requirement is called {min(unknown)}; see conform --list.")
        left_out = [item for item in items if (ids := _requirements(item)) and self._asked.isdisjoint(ids)]
        for item in items:
            item.user_properties += [("requirement", each) for each in _requirements(item)]
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=left_out)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report carry what the one who collects it cannot look up."""
        report = yield
        carried = report.__dict__  # pytest takes what else a report carries along, from worker to controller, too
        carried["lock_requirements"] = list(_requirements(item))
        if facts := item.config.stash.get(FACTS, None):
            carried["lock_facts"] = facts.as_json()
        return report


def _requirements(item: pytest.Item) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for mark in item.iter_markers("req") for each in mark.args))


def configure(config: pytest.Config) -> None:
    """Begin to report; raise UsageError where the report cannot be written."""
    config.pluginmanager.register(Marking(config), "lock-marking")
    if hasattr(config, "workerinput"):
        return
    if folder := config.option.lock_report:
        _make_folder(folder)
        if not config.option.xmlpath:
            config.option.xmlpath = str(folder / "junit.xml")
    config.pluginmanager.register(Reporter(config), "lock-reporter")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--lock-report {folder} cannot be made ({error.strerror}). Name another.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise pytest.UsageError(f"Nothing can be written to --lock-report {folder}. Name another folder.")


def write(report: Report, folder: Path, *, private: bool = False) -> None:
    """Write report.json and report.html, for the user alone where they show pins."""
    from .page import page  # noqa: PLC0415  only a report needs the template engine

    told = json.dumps(report.as_json(), indent=1, ensure_ascii=False, allow_nan=False)
    for name, text in (("report.json", told + "\n"), ("report.html", page(report, shows_pins=private))):
        path = folder / name
        path.touch(mode=0o600 if private else 0o644)
        if private:
            path.chmod(0o600)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _hide_digits(junit: Path) -> None:
    """Hide in pytest's own report what may be digits of pins: its messages, and what a test has printed."""
    tree = ElementTree.parse(junit)  # noqa: S314  pytest has just written it
    for element in tree.iter():
        element.text = element.text and without_digits(element.text)
        if "message" in element.attrib:
            element.set("message", without_digits(element.get("message", "")))
    tree.write(junit, encoding="utf-8", xml_declaration=True)
