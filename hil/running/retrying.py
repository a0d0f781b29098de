"""A test that fails is tried again after a loss of power; one that passes then is told as flaky, never as passed."""

from copy import copy
from typing import Any

import pytest
from _pytest.runner import call_and_report

from ..errors import BenchFault
from ..hands import Hand

PROPERTY = "lock_flaky"
"""The name among a report's `user_properties` under which stands at which try a test has passed."""
_KEPT = ("lock_trace", "lock_capture")
"""What the report of a try that failed has among its `user_properties`, and the last one keeps."""
_EARLIER = "an earlier try"
_TARGET = "lock_target"
_AGAIN = pytest.StashKey[bool]()
_POWER = pytest.StashKey[tuple[Any, Any]]()
"""The target and the runner that a try has used, None where it had none."""


def add_options(group: pytest.OptionGroup) -> None:
    """Add the option that wants further tries."""
    group.addoption("--lock-retries", type=int, default=0, metavar="N",
                    help="try a test that fails up to N times more, with a loss of power between")  # fmt: skip


class Retrying:
    """The plugin of a run with further tries: under pytest-xdist the workers try, and the controller tells."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._told: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test of a lock until it passes, or as often as it may."""
        if not isinstance(item, pytest.Function) or _TARGET not in item.fixturenames:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._tried(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _tried(self, item: pytest.Function, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        """Return the reports of the last try, which tell of those before it; only a pass makes a failure undone."""
        properties, failures, number = list(item.user_properties), list[pytest.TestReport](), 1
        before: list[pytest.TestReport] = []
        while True:
            item.user_properties[:] = properties
            if number > 1:
                item._initrequest()
            reports = _try(item, nextitem, again=number <= self._retries)
            if not item.stash[_AGAIN]:
                break
            failures += [report for report in reports if report.failed]
            before, number = reports, number + 1
            if fault := _new_power(item):
                reports = before = [*before[:-1], _as_fault(before[-1], fault)]
                break
        if before and not all(report.passed for report in reports):
            reports = _worst(before, reports)
        if failures:
            _tell_of(failures, reports, number)
        return reports

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count what has passed at a later try apart from what has passed."""
        number = passed_at(report)
        return ("flaky", "f", f"FLAKY (try {number})") if number else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what to tell in the end."""
        if number := passed_at(report):
            why = [_first_error(text) for name, text in report.sections if name.startswith(_EARLIER)]
            self._told.append(f"FLAKY {report.nodeid}: passed at try {number}, behind: {' / '.join(why)}")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell each flaky test."""
        if self._told:
            terminalreporter.section("passed, but not at the first try")
            for line in self._told:
                terminalreporter.line(line)


def passed_at(report: pytest.TestReport) -> int:
    """Return at which try a test has passed that has failed before, 0 for every other report."""
    if report.when != "call" or not report.passed:
        return 0
    return int(str(dict(report.user_properties).get(PROPERTY, 0)))


def _try(item: pytest.Function, nextitem: pytest.Item | None, *, again: bool) -> list[pytest.TestReport]:
    """Set up, call and tear down; what the test shares with others stays where it will be tried again."""
    reports = [call_and_report(item, "setup", log=False)]
    if reports[0].passed:
        reports.append(call_and_report(item, "call", log=False))
    item.stash[_AGAIN] = again and reports[-1].failed
    following = copy(item) if item.stash[_AGAIN] else nextitem
    if item.session.shouldfail or item.session.shouldstop:
        following = None
    used = item.funcargs or {}
    item.stash[_POWER] = (used.get(_TARGET), used.get("lock_runner"))
    reports.append(call_and_report(item, "teardown", log=False, nextitem=following))
    item._request = False  # type: ignore[assignment]  # as pytest's own runner does, for whoever runs it again
    item.funcargs = None  # type: ignore[assignment]
    return reports


def _new_power(item: pytest.Function) -> BenchFault | None:
    """Take the power from a lock and give it back before the next try; return what has gone wrong."""
    target, runner = item.stash[_POWER]
    if target and runner and Hand.POWER in target.hands.able:
        try:
            runner.run(target.hands.power_cycle())
        except BenchFault as fault:
            return fault
    return None


def _as_fault(report: pytest.TestReport, fault: BenchFault) -> pytest.TestReport:
    """Return the report of a test's end as one of a bench that has failed there."""
    failed = copy(report)
    failed.outcome, failed.longrepr = "failed", f"Before the next try: {fault}"
    return failed


def _worst(before: list[pytest.TestReport], last: list[pytest.TestReport]) -> list[pytest.TestReport]:
    """Return the reports of a try in which the test itself has failed, where there is one; else the last."""
    failed = [tried for tried in (last, before) if any(report.failed and report.when == "call" for report in tried)]
    skipped = any(report.skipped for report in last)
    return failed[0] if failed else before if skipped else last


def _tell_of(failures: list[pytest.TestReport], reports: list[pytest.TestReport], number: int) -> None:
    """Let the reports of the last try hold what became of those before it."""
    passed = any(report.when == "call" and report.passed for report in reports)
    for report in reports:
        if passed:
            report.user_properties.append((PROPERTY, number))
        report.user_properties += [each for failure in failures for each in failure.user_properties if each[0] in _KEPT]
        if report.when == "call" or report.failed:
            report.sections += [(f"{_EARLIER}, {failure.when}", failure.longreprtext) for failure in failures]


def _first_error(text: str) -> str:
    lines = text.splitlines() or [""]
    return next((line.removeprefix("E").strip() for line in lines if line.startswith("E ")), lines[0])
