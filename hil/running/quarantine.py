"""Tests that may fail for now: a file names each with a reason and a last day, and its failure fails no run."""

import ast
import datetime
import tomllib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ..requirements import requirements

PROPERTY = "lock_quarantine"
"""The name among a report's `user_properties` under which the reason stands that its test is in quarantine."""
_KEYS = ("test", "req", "reason", "until")


def add_options(group: pytest.OptionGroup) -> None:
    """Add the option that names the file."""
    group.addoption("--lock-quarantine", type=Path, metavar="FILE",
                    help="tests that may fail for now: [[quarantine]] with test or req, reason and until")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who is in quarantine: a test, with all its parameters where it names none, or all tests of a requirement."""

    reason: str
    until: datetime.date
    test: str | None = None
    req: str | None = None

    def holds(self, item: pytest.Item) -> bool:
        """Whether a test is meant."""
        if self.test is None:
            return any(self.req in mark.args for mark in item.iter_markers("req"))
        names = (item.nodeid, item.nodeid.partition("[")[0])
        return any(name == self.test or name.endswith(f"/{self.test}") for name in names)

    def __str__(self) -> str:
        return f"quarantined until {self.until}: {self.reason}"


class Quarantine:
    """The plugin that a run with a quarantine has."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = tuple(entries)

    def of(self, item: pytest.Item) -> Entry | None:
        """Return the entry that holds a test."""
        return next((entry for entry in self._entries if entry.holds(item)), None)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a FAIL of a test in quarantine be an expected one; an ERROR of its bench stays what it is."""
        report = yield
        entry = self.of(item) if report.when == "call" else None
        if entry and report.outcome != "skipped":
            for properties in (item.user_properties, report.user_properties):
                properties.append((PROPERTY, str(entry)))
            report.wasxfail = str(entry)
            report.outcome = "skipped" if report.failed else "passed"
        return report


def read_quarantine(path: Path, *, root: Path, today: datetime.date) -> tuple[Entry, ...]:
    """Return what a file says; raise pytest.UsageError, also where an entry is over or names no test that there is."""
    try:
        data = tomllib.loads(path.read_text())
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(path, f"this is no TOML ({error})") from None
    tables = data.pop("quarantine", [])
    if data or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _wrong(path, "it holds [[quarantine]] tables and nothing else")
    return tuple(_Reading(path, number, table, root, today).entry for number, table in enumerate(tables, 1))


def _wrong(path: Path, sentence: str) -> pytest.UsageError:
    return pytest.UsageError(f"The quarantine {path} cannot be used: {sentence}.")


@dataclass(frozen=True)
class _Reading:
    path: Path
    number: int
    table: dict[str, Any]
    root: Path
    today: datetime.date

    @cached_property
    def entry(self) -> Entry:
        for key in self.table:
            if key not in _KEYS:
                raise self._wrong(key, f"there is no such key, only {', '.join(_KEYS)}")
        if ("test" in self.table) == ("req" in self.table):
            raise self._wrong("test", "give either test or req")
        entry = Entry(reason=self._text("reason"), until=self._until(), test=self._test(), req=self._req())
        if entry.until < self.today:
            raise self._wrong("until", f"it is over since {entry.until}: mend the test's cause, or give a later day")
        return entry

    def _until(self) -> datetime.date:
        until = self.table.get("until")
        if not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
            raise self._wrong("until", "give the last day, such as 2030-12-31, without quotes")
        return until

    def _req(self) -> str | None:
        if "req" in self.table and self._text("req") not in requirements():
            raise self._wrong("req", "there is no such requirement")
        return self.table.get("req")

    def _test(self) -> str | None:
        """Return the test's id, once a function of its name has been found in its file: no test is collected yet."""
        if "test" not in self.table:
            return None
        test = self._text("test")
        file, *names = test.partition("[")[0].split("::")
        if not names or names[-1] not in self._functions(file):
            raise self._wrong("test", f"there is no test {test}")
        return test

    def _functions(self, file: str) -> set[str]:
        for folder in (self.root, Path.cwd(), Path(str(files("hil.conformance")))):
            if (found := folder / file).is_file():
                tree = ast.parse(found.read_bytes())
                kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
                return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
        return set()

    def _text(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "give a text in quotes")
        return value

    def _wrong(self, key: str, sentence: str) -> pytest.UsageError:
        return _wrong(self.path, f"entry {self.number}, {key}: {sentence}")
