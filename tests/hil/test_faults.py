"""The hand that lets faults strike: at simulated locks alone, and over when its test is."""

from pathlib import Path

import pytest

from tests.hil.suites import suite

TESTS = """\
import pytest
from hil.errors import BenchFault, Nonconformant
from hil.hands import Hand
from protocol.messages.device import PingRequest

PING = PingRequest(payload=b"?")

async def test_drops(session, faults):
    await faults.strike({"link": "drop", "direction": "out", "probability": 1})
    session.line._patience = type(session.line._patience)(answer=0.05, quiet=0.05)
    with pytest.raises(Nonconformant, match="did not answer"):
        await session.ask(PING)

async def test_after(session):
    await session.ask(PING)

async def test_brown_out(session, faults):
    await faults.strike({"flash": "bad_block", "page": 3, "at": 0}, {"cpu": "stall", "seconds": 600, "at": 0})

async def test_after_all(session):
    await session.ask(PING)

async def test_nonsense(faults):
    with pytest.raises(BenchFault, match='fault 1, "link": there is no such fault'):
        await faults.strike({"link": "melt", "at": 0})
"""
NO_HANDS = """\
import pytest

@pytest.fixture
def lock(paired_station):
    paired_station.hands.able -= {"faults"}
    yield paired_station
"""


@pytest.mark.parametrize("target", ["sim:", "sim:pty", "sim:tcp"])
def test_faults_strike_and_are_over_after_their_test(tmp_path: Path, target: str) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    run = suite("--lock-target", target, folder=tmp_path)
    assert (run.code, run.last.startswith("5 passed")) == (0, True), run.said


def test_where_there_is_no_such_hand_its_tests_are_skipped_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("async def test_it(faults): raise AssertionError")
    (tmp_path / "conftest.py").write_text(NO_HANDS)
    run = suite("-rs", folder=tmp_path)
    assert (run.code, run.last.startswith("1 skipped")) == (0, True), run.said
    assert "This target has no hand for faults" in run.said
