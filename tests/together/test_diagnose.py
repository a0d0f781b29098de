"""The checklist of a simulated lock from the command line: what is healthy, what is not, and the exit code."""

import json
import re
import shlex
import signal
import zipfile
from pathlib import Path

from tests.forked import Ended
from tests.together.processes import EVERY_WAY, Place


def levels(done: Ended) -> dict[str, str]:
    """Return the level of each line."""
    return {line["check"]: line["level"] for line in done.lines()}


def test_a_healthy_lock_passes_and_a_neglected_one_is_told_what_to_do(bench: Place) -> None:
    with bench.lock(slots=1):
        assert bench.pair().code == 0
        healthy = bench.here("diagnose", "front", "--json")
        assert (healthy.code, set(levels(healthy).values())) == (0, {"ok"}), healthy.out
        assert bench.here("pin", "add", "front", "--alias", "a", "--pin-stdin", stdin="97531\n").code == 0
        for words in (["battery", "--set", "5"], ["clock", "--lose"]):
            assert bench.here("sim", *words, "--control", bench.path("ctl")).code == 0
        neglected = bench.here("diagnose", "front", "--json")
        worse = {check: level for check, level in levels(neglected).items() if level != "ok"}
        assert (neglected.code, worse) == (0, dict.fromkeys(("capacity", "clock", "battery"), "warning"))
        unknown = bench.here("sim", "battery", "--set", "unknown", "--control", bench.path("ctl"))
        assert "battery  unknown" in unknown.out
        for level in ("101", "-1", "half"):
            assert bench.here("sim", "battery", f"--set={level}", "--control", bench.path("ctl")).code == 2
        text = bench.here("diagnose", "123").out
        assert "The lock does not tell its battery." in text
        assert "warning  clock         The lock does not trust its clock" in text
        assert "Run `latchwire clock set front`" in text
        assert "97531" not in text


@EVERY_WAY
def test_a_command_that_is_advised_can_be_typed_as_it_stands(bench: Place) -> None:
    with bench.lock():
        assert bench.pair(name="front door").code == 0
        assert bench.here("sim", "clock", "--lose", "--control", bench.path("ctl")).code == 0
        (advice,) = re.findall(r"Run `latchwire (.*)`", bench.here("diagnose", "front door").out)
        assert bench.here(*shlex.split(advice)).code == 0
        assert "does not trust" not in bench.here("diagnose", "front door").out


def test_a_silent_lock_has_a_port_and_no_session(bench: Place) -> None:
    with bench.lock() as lock:
        assert bench.pair().code == 0
        lock.signal(signal.SIGSTOP)
        bench.environment["LATCHWIRE_DEADLINE"] = "1"
        silent = bench.here("diagnose", "front", "--json")
        assert (silent.code, levels(silent)["port"], levels(silent)["session"]) == (3, "ok", "failed")
        (failed,) = [line for line in silent.lines() if line["level"] == "failed"]
        assert (failed["exit_code"], silent.err) == (3, "")


@EVERY_WAY
def test_a_bundle_has_what_helps_and_nothing_that_opens(bench: Place) -> None:
    bundle = Path(bench.path("bundle.zip"))
    with bench.lock():
        assert bench.pair().code == 0
        token = bench.token()
        assert bench.here("pin", "add", "front", "--alias", "a", "--pin-stdin", stdin="97531\n").code == 0
        done = bench.here("diagnose", "front", "--bundle", str(bundle), "--json")
        assert done.code == 0, done.err
    assert done.lines()[-1] == {"bundle": str(bundle)}
    assert bundle.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(bundle) as opened:
        parts = {name: opened.read(name).decode() for name in opened.namelist()}
    assert set(parts) == {"checklist.jsonl", "trace.jsonl", "lock.json", "settings.jsonl", "versions.json"}
    assert [json.loads(line) for line in parts["checklist.jsonl"].splitlines()] == done.lines()[:-1]
    asked = [json.loads(line)["message"] for line in parts["trace.jsonl"].splitlines()]
    assert {"info", "status", "get_clock"} <= set(asked)
    assert json.loads(parts["lock.json"])["name"] == "front"
    assert "construct" in json.loads(parts["versions.json"])["packages"]
    label = Path(bench.path("label")).read_text().strip()
    for secret in ("97531", token, label, label.replace("-", "")):
        assert all(secret not in part for part in parts.values())


def test_a_bundle_takes_nothing_elses_place(bench: Place) -> None:
    there = Path(bench.path("there.zip"))
    there.write_text("mine")
    for path in (there, Path(bench.path("missing/new.zip"))):
        done = bench.here("diagnose", "front", "--bundle", str(path))
        assert done.code == 2
        assert str(path.parent) in done.err
    assert there.read_text() == "mine"


def test_a_silent_locks_bundle_is_made_too(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    done = bench.here("diagnose", "front", "--bundle", bench.path("bundle.zip"), "--json")
    assert done.code == 3
    assert done.lines()[-1] == {"bundle": bench.path("bundle.zip")}
