"""hil/README.md tells the truth: its files are read, its test and commands run, its tables compared with the code."""

import datetime
import inspect
import re
from pathlib import Path

import pytest

import hil.plugin
from hil.bench import file, hardware, switches
from hil.bench.file import read_bench
from hil.conform.command import conform
from hil.recording.keeping import Keeper
from hil.running import measuring
from hil.running.quarantine import read_quarantine
from tests.hil.suites import ROOT, suite
from tests.hil.test_conform import conform as run_conform

README = (ROOT / "hil" / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def rows(heading: str) -> list[str]:
    """Return the first cells of the table that begins with `heading`."""
    table = README.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)


def names(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`([a-z_-]+)", cell)}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("type-pin", "hold-button", "uhubctl"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    bench, quarantine = blocks("toml")
    (tmp_path / "bench.toml").write_text(bench)
    (tmp_path / "quarantine.toml").write_text(re.sub("until = .*", "until = 2999-01-01", quarantine))
    (source,) = blocks("python")
    (tmp_path / "test_ours.py").write_text(source)
    return tmp_path


def test_the_bench_file_and_the_quarantine_are_read(lab: Path) -> None:
    assert [spec.name for spec in read_bench(lab / "bench.toml")] == ["front", "bench-sim"]
    assert read_quarantine(lab / "quarantine.toml", root=ROOT, today=datetime.date(2030, 1, 1))


def test_the_test_of_ones_own_runs_as_written(lab: Path) -> None:
    (command,) = (block for block in blocks("sh") if block.startswith("pytest"))
    ended = suite(*command.split()[1:], folder=lab)
    assert (ended.code, ended.last.startswith("1 passed")) == (0, True), ended.said


def test_the_first_run_is_as_written(tmp_path: Path) -> None:
    words = next(block for block in blocks("sh") if block.startswith("latchwire conform sim:")).split()
    assert run_conform(*words[2:], "--profile", "persist", folder=tmp_path)[0] == 0
    assert (tmp_path / "first" / "report.html").exists()


def test_the_tables_name_what_there_is() -> None:
    keys = names(rows("key of a target"))
    assert keys == {*file._KEYS, "usb"}
    assert names(rows("hand")) == set(hardware._HAND_OF)
    assert {cell.strip("`") for cell in rows("`kind`")} == set(switches.KINDS)
    fixtures = names(rows("fixture"))
    there = {name for place in (hil.plugin, measuring, Keeper) for name, _ in inspect.getmembers(place)}
    assert fixtures <= there


def test_each_option_that_is_named_is_one_of_conform() -> None:
    known = {name.replace("_", "-").strip("-") for name in inspect.signature(conform).parameters}
    told = set(re.findall(r"(?<=`)--([a-z-]+)", README)) | set(
        re.findall(r"latchwire conform[^`\n]*? --([a-z-]+)", README)
    )
    assert {name for name in told if not name.startswith("lock-")} <= known
