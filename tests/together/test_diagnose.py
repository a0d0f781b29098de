"""The checklist of a simulated lock from the command line: what is healthy, what is not, and the exit code."""

import signal

from tests.together.processes import Ended, Place


def levels(done: Ended) -> dict[str, str]:
    """Return the level of each line."""
    return {line["check"]: line["level"] for line in done.lines()}


def test_a_healthy_lock_passes_and_a_neglected_one_is_told_what_to_do(bench: Place) -> None:
    with bench.lock(slots=1):
        assert bench.pair().code == 0
        healthy = bench.latchwire("diagnose", "front", "--json")
        assert (healthy.code, set(levels(healthy).values())) == (0, {"ok"}), healthy.out
        assert bench.latchwire("pin", "add", "front", "--alias", "a", "--pin-stdin", stdin="97531\n").code == 0
        for words in (["battery", "--set", "5"], ["clock", "--lose"]):
            assert bench.latchwire("sim", *words, "--control", bench.path("ctl")).code == 0
        neglected = bench.latchwire("diagnose", "front", "--json")
        worse = {check: level for check, level in levels(neglected).items() if level != "ok"}
        assert (neglected.code, worse) == (0, dict.fromkeys(("capacity", "clock", "battery"), "warning"))
        text = bench.latchwire("diagnose", "123").out
        assert "warning  clock         The lock does not trust its clock" in text
        assert "Run `latchwire clock set front`" in text
        assert "97531" not in text


def test_a_silent_lock_has_a_port_and_no_session(bench: Place) -> None:
    with bench.lock() as lock:
        assert bench.pair().code == 0
        lock.signal(signal.SIGSTOP)
        bench.environment["LATCHWIRE_DEADLINE"] = "1"
        silent = bench.latchwire("diagnose", "front", "--json")
        assert (silent.code, levels(silent)["port"], levels(silent)["session"]) == (6, "ok", "failed")
        (failed,) = [line for line in silent.lines() if line["level"] == "failed"]
        assert (failed["exit_code"], silent.err) == (6, "")
