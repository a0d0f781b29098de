"""The demonstration, ended before its time: nothing that it started lives on."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import skip_without_a_bus
from tests.together.processes import PATIENCE, Place, command


@pytest.mark.parametrize("words", [[], ["--ble"]], ids=["pty", "ble"])
def test_a_demonstration_that_is_told_to_end_leaves_nothing_behind(
    bench: Place, tmp_path: Path, words: list[str]
) -> None:
    skip_without_a_bus()
    with subprocess.Popen(
        command(["demo", *words, "--json"]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bench.environment | {"TMPDIR": str(tmp_path)},
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert demo.stdout.readline()
        assert list(tmp_path.iterdir())
        demo.terminate()
        rest, failed = demo.communicate(timeout=PATIENCE)
    assert (demo.returncode, "Traceback" in rest + failed) == (130, False)
    assert list(tmp_path.iterdir()) == []
