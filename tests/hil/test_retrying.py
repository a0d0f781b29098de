"""Further tries: between them power is taken away, what passes late is told as flaky, and what never does fails."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.hil.suites import suite

TESTS = """\
import pytest
from hil.errors import Nonconformant
from protocol.vocabulary import PinEntry

def tries(name):
    with open(name, "a+") as file:
        file.write("x")
        file.seek(0)
        return len(file.read())

@pytest.fixture(scope="module")
def shared(lock_target):
    tries("shared")
    yield
    tries("unshared")

async def test_late(session, shared, measure):
    await session.create(PinEntry(digits="97531", alias="guest"))
    assert (await session.status()).used == 1
    number = tries("late")
    measure("try", number)
    if number < 3:
        raise Nonconformant(f"The lock forgets, for the {number}th time.")

async def test_never(lock):
    tries("never")
    raise Nonconformant("The lock lies.")

async def test_at_once(lock):
    tries("once")

def test_without_a_lock():
    tries("without")
    assert False

@pytest.fixture
def late_setup(lock):
    if tries("setup") < 2:
        raise Nonconformant("The lock does not wake.")

async def test_late_setup(late_setup): pass
"""
CONFTEST = """\
import pytest
from hil.bench.control import ControlSocket

cycle = ControlSocket.power_cycle

async def counted(self):
    with open("cycles", "a") as file:
        file.write("x")
    await cycle(self)

ControlSocket.power_cycle = counted
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    return tmp_path


def times(folder: Path, name: str) -> int:
    return len((folder / name).read_text()) if (folder / name).exists() else 0


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "a worker"])
def test_what_passes_late_is_flaky_and_what_never_passes_fails(tests: Path, workers: tuple[str, ...]) -> None:
    options = ("--lock-retries", "2", "--junitxml=it.xml", *workers)
    run = suite(*options, plugins=("xdist",), folder=tests)
    assert run.code == 1
    assert "2 failed, 1 passed, 2 flaky in" in run.last, run.said
    assert "FLAKY test_it.py::test_late: passed at try 3, behind: " in run.said
    assert "The lock forgets, for the 1th time. / " in run.said
    assert "FLAKY test_it.py::test_late_setup: passed at try 2, behind: " in run.said
    assert [times(tests, name) for name in ("late", "never", "once", "without", "setup")] == [3, 3, 1, 1, 2]
    assert times(tests, "cycles") == 2 + 2 + 1
    report = Xml.parse(tests / "it.xml")  # noqa: S314  our own
    (late,) = report.findall(".//testcase[@name='test_late']")
    assert [each.get("value") for each in late.findall(".//property[@name='lock_flaky']")] == ["3"]
    assert len(late.findall(".//property[@name='lock_measure']")) == 1


def test_what_tests_share_stays_for_the_next_try_and_goes_in_the_end(tests: Path) -> None:
    run = suite("--lock-retries", "2", "-k", "test_late and not setup", folder=tests)
    assert (run.code, run.last.split(", ")[-1].startswith("1 flaky in")) == (0, True), run.said
    assert (times(tests, "shared"), times(tests, "unshared")) == (1, 1)


def test_a_failure_tells_of_the_tries_before_it(tests: Path) -> None:
    run = suite("--tb=short", "--lock-retries", "1", "-k", "never", folder=tests)
    assert run.said.count("an earlier try, call") == 1
    assert run.last.startswith("1 failed, ")
    assert times(tests, "never") == 2


LATER = """\
import pytest
from hil.errors import Nonconformant

BEFORE = []

@pytest.fixture
def breaking(lock):
    yield
    if BEFORE:
        raise Nonconformant("The lock does not close.")

async def test_skips_later(lock):
    BEFORE or BEFORE.append(1) or pytest.fail("The lock lies.")
    pytest.skip("no more")

async def test_breaks_later(breaking):
    BEFORE.pop() if BEFORE else BEFORE.append(2)
    assert BEFORE, "The lock lies."
"""


def test_a_failure_before_a_skip_is_a_failure(tests: Path) -> None:
    (tests / "test_it.py").write_text(LATER)
    run = suite("--tb=short", "--lock-retries", "1", "-k", "skips", folder=tests)
    assert (run.code, run.last.startswith("1 failed, ")) == (1, True), run.said
    assert "The lock lies." in run.said


def test_a_late_pass_is_flaky_also_where_what_comes_after_it_fails(tests: Path) -> None:
    (tests / "test_it.py").write_text(LATER.replace("BEFORE = []", "BEFORE = [1]"))
    run = suite("--tb=short", "--lock-retries", "1", "-k", "breaks", folder=tests)
    assert (run.code, run.last.startswith("1 failed, "), ", 1 flaky in" in run.last) == (1, True, True), run.said


def test_without_the_option_nothing_is_tried_again(tests: Path) -> None:
    run = suite("-k", "test_late and not setup", folder=tests)
    assert (run.code, times(tests, "late"), times(tests, "cycles")) == (1, 1, 0)


def test_a_number_below_nought_is_refused(tests: Path) -> None:
    run = suite("--lock-retries", "-1", folder=tests)
    assert (run.code, run.said.startswith("ERROR: --lock-retries takes a number from 0")) == (4, True)


AFTER_A_FAILURE = """
import pytest
from hil.errors import BenchFault, Nonconformant

@pytest.fixture
def bench(lock):
    if CABLE and tries("setup") > 1:
        raise BenchFault("The cable is out.")
    yield

@pytest.mark.req("LW-035")
async def test_it(bench):
    raise Nonconformant("The lock lies.")
"""
CUTS_NOTHING = """
import pytest
from hil.bench.control import ControlSocket
from hil.bench.power import PowerNotCut

async def refuses(self):
    raise PowerNotCut("The lock still answers.")

ControlSocket.power_cycle = refuses
"""


@pytest.mark.parametrize("trouble", ["the bench fails before the next try", "the power is not cut"])
def test_a_fault_of_the_bench_undoes_no_failure(tmp_path: Path, trouble: str) -> None:
    cable = trouble.startswith("the bench")
    helper = TESTS.partition("@pytest.fixture")[0].partition("def tries")[2]
    (tmp_path / "test_it.py").write_text(f"CABLE = {cable}\ndef tries{helper}{AFTER_A_FAILURE}")
    if not cable:
        (tmp_path / "conftest.py").write_text(CUTS_NOTHING)
    ended = suite("--lock-retries", "1", "--lock-report", "report", folder=tmp_path)
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    (test,) = told["tests"]
    assert (ended.code, told["verdict"], test["outcome"]) == (1, "nonconformant", "failed"), ended.said
    assert test["message"].startswith("The lock lies.")
    assert cable or "Before the next try: The lock still answers." in test["message"]
    assert next(each["kept"] for each in told["requirements"] if each["id"] == "LW-035") == "broken"
