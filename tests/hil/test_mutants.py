"""The suite catches firmwares that are wrong on purpose, by the tests of the requirement that each breaks."""

import json
from pathlib import Path

import pytest

from tests.hil.mutants import MUTANTS, Mutant
from tests.hil.suites import SUITE, suite


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_wrong_firmware_fails_the_requirement_that_it_breaks(mutant: Mutant, tmp_path: Path) -> None:
    options = ("--lock-target", mutant.target, "--lock-mutant", mutant.name, "--lock-req", mutant.breaks)
    ended = suite(*options, "--lock-report", str(tmp_path), SUITE, plugins=["tests.hil.mutant_plugin"])
    told = json.loads((tmp_path / "report.json").read_text())
    assert (ended.code, told["verdict"]) == (1, "nonconformant"), ended.last
    assert mutant.breaks in {each["id"] for each in told["requirements"] if each["kept"] == "broken"}
    assert told["counts"]["error"] == 0


def test_there_are_as_many_mutants_as_were_promised() -> None:
    assert len(MUTANTS) >= 15
