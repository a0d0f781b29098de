"""The suite catches firmwares that are wrong on purpose, by the tests of the requirement that each breaks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hil.mutants import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
PLUGINS = ("no:cacheprovider", "pytest_timeout", "hil.plugin", "tests.hil.mutant_plugin")


def suite(*options: str) -> tuple[int, str]:
    """Run the suite at a lock in memory, in a process of its own; return its exit code and its last line.

    It loads the plugins alone that the suite needs: those of other tests take longer to import than the suite to run.
    """
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    words = ["-q", "--tb=no", *plugins, *options, "hil/conformance"]
    alone = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT, env=os.environ | alone, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_wrong_firmware_fails_the_requirement_that_it_breaks(mutant: Mutant) -> None:
    code, line = suite("--lock-mutant", mutant.name, "--lock-req", mutant.breaks)
    assert code == 1, line
    assert re.search(r"[1-9]\d* failed", line)


def test_there_are_as_many_mutants_as_were_promised() -> None:
    assert len(MUTANTS) >= 15
