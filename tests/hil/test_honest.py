"""The suite passes the honest lock behind every link; the whole of it over Bluetooth belongs to `make soak`."""

import json
from pathlib import Path

import pytest

from tests.hil.honest import judged


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("sim:pty", ()),
        ("sim:tcp", ()),
        ("sim:ble", ("-k", "bluetooth or test_pins or test_operations")),
        ("exec", ()),
        ("exec+pty", ("-k", "test_pins or test_door or test_by_itself")),
    ],
)
def test_an_honest_lock_conforms_behind(target: str, words: tuple[str, ...], tmp_path: Path) -> None:
    ended = judged(tmp_path, target, *words)
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert (ended.code, told["verdict"]) == (0, "conforms"), told["sentence"]
    assert told["counts"]["passed"] > 20
