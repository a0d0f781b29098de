"""Power as a suite has it: an outlet that cuts, and one that does not, which is an ERROR of the bench and no FAIL."""

from pathlib import Path

import pytest

from tests.hil.outlets import script
from tests.hil.suites import suite

CONFTEST = """\
import pytest
from pathlib import Path

from hil.bench.hardware import open_hands
from tests.hil.outlets import bench_in

FOLDER = Path(__file__).parent
POWER = {"kind": "cmd", "on": ["./switch", "on"], "off": ["./switch", "off"], "settle": SETTLE}

@pytest.fixture(scope="session")
def paired_station(lock_runner):
    opening = bench_in(FOLDER)
    bench = lock_runner.run(opening.__aenter__())
    hands = open_hands({"control": "ctl"}, POWER, folder=FOLDER, check=bench.presence, operator=None)
    station = bench.station(hands)
    lock_runner.run(station.make_known())
    yield station
    lock_runner.run(opening.__aexit__(None, None, None))
"""
TESTS = """\
import pytest
from hil.bench.power import PowerState
from protocol.vocabulary import PinEntry

async def test_a_cycle(lock, session, power):
    await session.create(PinEntry(digits="97531", alias="guest"))
    await power.power_cycle()
    assert (await (await lock.open()).status()).used == 1

async def test_off(supply):
    await supply.off()
    assert await supply.state() is PowerState.OFF

async def test_on_again(session):
    assert (await session.status()).used == 0
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(CONFTEST.replace("SETTLE", "5.0"))
    script(tmp_path / "switch", 'echo "$1" > outlet; echo "$1" >> told')
    return tmp_path


def test_power_is_cut_and_is_on_again_after_each_test(tests: Path) -> None:
    run = suite(folder=tests)
    assert (run.code, run.last.startswith("3 passed")) == (0, True), run.said
    assert (tests / "told").read_text().split() == ["off", "on", "off", "on"]


def test_a_switch_that_does_not_cut_is_an_error_and_the_rest_goes_on(tests: Path) -> None:
    (tests / "conftest.py").write_text(CONFTEST.replace("SETTLE", "0.01"))
    script(tests / "switch", 'echo "$1" >> told')
    run = suite("--tb=short", folder=tests)
    assert run.code != 0
    assert "1 passed, 2 errors in" in run.last, run.said
    assert run.said.count("The power was switched off, and 0.01 s later the lock still answers. Probably the") == 2
    assert "Traceback" not in run.said
    assert (tests / "told").read_text().split() == ["off", "on", "off", "on"]


def test_a_program_that_hangs_is_an_error(tests: Path) -> None:
    script(tests / "switch", "exec sleep 600")
    (tests / "conftest.py").write_text(CONFTEST.replace("SETTLE", '5.0, "timeout": 0.05'))
    run = suite("--tb=short", "-k", "cycle", folder=tests)
    assert "1 error in" in run.last.replace("2 deselected, ", ""), run.said
    assert "did not end within 0.05 s, and was killed." in run.said


def test_a_power_without_a_switch_skips_what_wants_one(tests: Path) -> None:
    (tests / "conftest.py").unlink()
    run = suite("-rs", folder=tests)
    assert run.last.startswith("2 passed, 1 skipped"), run.said
    assert "This target's power has no switch" in run.said
