"""Long commands tell a person at a terminal how far they are, and a program nothing but its JSON."""

import sys
from io import StringIO
from pathlib import Path

import pytest

from bridge.cli import progress
from bridge.cli.running import run
from tests.together.processes import Place


class Terminal(StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        return True


def test_each_long_command_tells_how_far_it_is(bench: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_BEAT", 0)
    with bench.lock():
        assert bench.pair().code == 0
        assert bench.here("pin", "add", "front", "--alias", "a", "--pin-stdin", stdin="97531\n").code == 0
        monkeypatch.setenv("LATCHWIRE_STATE_DIR", str(bench.state))
        target, label = f"serial:{bench.path('lock0')}", bench.path("label")
        for words, told in (
            (["scan", target, "--no-ports"], "Asking at each target: 0 s"),
            (["pair", target, "--label-file", label, "--name", "front"], "Pairing: 0 s"),
            (["pin", "list", "front"], "Reading the list of pins: 0 s"),
            (["pin", "export", "front", bench.path("pins.csv")], "Reading pins: 0 s"),
            (["open", "front"], "Moving the bolt: 0 s"),
            (["diagnose", "front"], "Checking: 0 s"),
        ):
            for more in ([], ["--json"]):
                Path(bench.path("pins.csv")).unlink(missing_ok=True)
                assert bench.here("sim", "hold-button", "--control", bench.path("ctl")).code == 0
                monkeypatch.setattr(sys, "stderr", screen := Terminal())
                assert run([*words, *more]) == 0
                *lines, last = screen.getvalue().split("\r\x1b[K")
                assert (told in lines, last) == (not more, ""), words
