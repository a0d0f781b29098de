"""Tests that may fail for now: their failures fail no run, their passes are told, and the file is taken at its word."""

import datetime
from pathlib import Path

import pytest

from hil.running.quarantine import read_quarantine
from tests.hil.suites import suite

TODAY = datetime.date(2030, 1, 7)
TESTS = """\
import pytest
from hil.errors import BenchFault, Nonconformant

@pytest.mark.parametrize("number", [1, 2])
def test_fails(number): raise Nonconformant("The lock forgets.")

def test_passes(): pass

def test_skips(): pytest.skip("not here")

def test_bench(): raise BenchFault("The cable is loose.")

@pytest.mark.req("LW-046")
def test_marked(): raise Nonconformant("The lock forgets more.")

def test_other(): raise Nonconformant("The lock lies.")
"""


def quarantine(folder: Path, *entries: str, until: str = "2999-12-31") -> None:
    text = "".join(f'[[quarantine]]\n{entry}\nreason = "issue 7"\nuntil = {until}\n' for entry in entries)
    (folder / "q.toml").write_text(text)
    (folder / "test_it.py").write_text(TESTS)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_failure_in_quarantine_fails_no_run_and_a_pass_is_told(tmp_path: Path, workers: tuple[str, ...]) -> None:
    tests = ("fails", "passes", "skips")
    quarantine(tmp_path, *(f'test = "test_it.py::test_{name}"' for name in tests), 'req = "LW-046"')
    options = ("-rxX", "--lock-quarantine", "q.toml", "-k", "not other and not bench", *workers)
    run = suite(*options, plugins=("xdist",), folder=tmp_path)
    assert run.code == 0, run.said
    assert run.last.startswith("1 skipped, ")
    assert "3 xfailed, 1 xpassed in" in run.last
    assert "XFAIL test_it.py::test_fails[1] - quarantined until 2999-12-31: issue 7" in run.said
    assert "XPASS test_it.py::test_passes - quarantined until 2999-12-31: issue 7" in run.said


def test_what_is_not_in_quarantine_fails_and_a_fault_of_the_bench_is_an_error_everywhere(tmp_path: Path) -> None:
    quarantine(tmp_path, 'test = "test_it.py::test_fails[1]"', 'test = "test_it.py::test_bench"')
    run = suite("--tb=short", "--lock-quarantine", "q.toml", "--junitxml=it.xml", folder=tmp_path)
    assert run.code == 1
    assert "3 failed, 1 passed, 1 skipped, 1 xfailed, 1 error in" in run.last
    assert "quarantined until 2999-12-31" in (tmp_path / "it.xml").read_text()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('test = "test_it.py::test_gone"\nuntil = 2030-01-07', "entry 1, test: there is no test test_it.py::test_gone"),
        ('test = "gone.py::test_it"\nuntil = 2030-01-07', "test: there is no test gone.py::test_it"),
        ('test = "test_it.py"\nuntil = 2030-01-07', "test: there is no test test_it.py"),
        ('req = "LW-999"\nuntil = 2030-01-07', "req: there is no such requirement"),
        ('req = ["LW-046"]\nuntil = 2030-01-07', "req: give a text in quotes"),
        ('req = "LW-046"\nuntil = 2030-01-06', "until: it is over since 2030-01-06: mend"),
        ('req = "LW-046"\nuntil = "2030-01-07"', "until: give the last day, such as 2030-12-31, without quotes"),
        ('req = "LW-046"\nuntil = 2030-01-07T12:00:00', "until: give the last day"),
        ('req = "LW-046"', "until: give the last day"),
        ('req = "LW-046"\nunitl = 2030-01-07', "unitl: there is no such key, only test, req, reason, until"),
        ('req = "LW-046"\ntest = "test_it.py::test_fails"\nuntil = 2030-01-07', "test: give either test or req"),
        ("until = 2030-01-07", "test: give either test or req"),
    ],
)
def test_an_entry_that_makes_no_sense_is_told(tmp_path: Path, entry: str, sentence: str) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    file = tmp_path / "q.toml"
    file.write_text(f'[[quarantine]]\nreason = "issue 7"\n{entry}\n')
    with pytest.raises(pytest.UsageError) as told:
        read_quarantine(file, root=tmp_path, today=TODAY)
    assert sentence in str(told.value)
    assert str(told.value).startswith(f"The quarantine {file} cannot be used: entry 1, ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("quarantine = 7", "it holds [[quarantine]] tables and nothing else"),
        ("quarantine = [7]", "it holds [[quarantine]] tables and nothing else"),
        ("[quarantined]", "it holds [[quarantine]] tables and nothing else"),
        ("LW-046", "this is no TOML ("),
        ('[[quarantine]]\nreq = "LW-046"\nuntil = 2030-01-07', "entry 1, reason: give a text in quotes"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "q.toml").write_text(text)
    with pytest.raises(pytest.UsageError) as told:
        read_quarantine(tmp_path / "q.toml", root=tmp_path, today=TODAY)
    assert sentence in str(told.value)


def test_a_test_of_the_suite_is_named_as_it_is_told_wherever_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "q.toml"
    test = "test_pins.py::test_an_id_is_never_given_again_to_another_pin"
    file.write_text(f'[[quarantine]]\nreason = "issue 7"\nuntil = 2030-01-07\ntest = "{test}"\n')
    (entry,) = read_quarantine(file, root=tmp_path, today=TODAY)
    assert (entry.test, str(entry)) == (test, "quarantined until 2030-01-07: issue 7")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_a_quarantine_that_cannot_be_used_ends_a_run_before_any_test(tmp_path: Path, workers: tuple[str, ...]) -> None:
    quarantine(tmp_path, 'req = "LW-046"', until="2020-01-01")
    run = suite("--lock-quarantine", "q.toml", *workers, plugins=("xdist",), folder=tmp_path)
    assert run.code == 4
    assert run.said.startswith(
        "ERROR: The quarantine q.toml cannot be used: entry 1, until: it is over since 2020-01-01"
    )
    assert "Traceback" not in run.said
