"""The suite catches firmwares that are wrong on purpose, by the tests of the requirement that each breaks."""

import re

import pytest

from tests.hil.mutants import MUTANTS, Mutant
from tests.hil.suites import SUITE, suite


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_wrong_firmware_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    options = ("--lock-target", mutant.target, "--lock-mutant", mutant.name, "--lock-req", mutant.breaks)
    ended = suite(*options, SUITE, plugins=["tests.hil.mutant_plugin"])
    assert ended.code == 1, ended.last
    assert re.search(r"[1-9]\d* failed", ended.last)


def test_there_are_as_many_mutants_as_were_promised() -> None:
    assert len(MUTANTS) >= 15
