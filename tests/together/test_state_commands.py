"""What a lock is and how it is, from the command line; a watch tells changes alone, and leaves the lock to others."""

import json
import signal

from tests.together.processes import EVERY_WAY, Place, Staying


def hand(bench: Place, *words: str) -> None:
    """Do something at the door."""
    assert bench.here("sim", *words, "--control", bench.path("ctl")).code == 0


def next_line(staying: Staying) -> dict[str, object]:
    """Wait for the next line of a command that stays."""
    assert staying.process.stdout is not None
    told: dict[str, object] = json.loads(staying.process.stdout.readline())
    return told


@EVERY_WAY
def test_a_lock_tells_what_it_is_and_how_it_is(bench: Place) -> None:
    with bench.lock(slots=7) as lock:
        paired = json.loads(bench.pair("--json").out)
        told = bench.here("info", "front", "--json").json()
        assert (told["id"], told["name"], told["lock"], told["capacity"]) == (123, "front", paired["lock"], 7)
        assert (told["serial"], told["protocol"]) == (lock.ready["serial_number"], "1")
        assert "latch" in told["capabilities"]
        text = bench.here("info", "123").out
        assert "7 slots" in text
        hand(bench, "battery", "--set", "42")
        seen = bench.here("state", "front", "--json").json()
        assert (seen["bolt"], seen["jammed"], seen["battery"], seen["clock_trusted"]) == ("locked", False, 42, True)
        assert (seen["used"], seen["trouble"]) == (0, None)
        assert abs(seen["skew"]) <= 1
        with bench.staying("state", "front", "--watch", "--interval", "3600") as watching:
            assert watching.ready["battery"] == 42
            assert "battery 42 %" in bench.here("state", "front").out  # between two looks, the lock is free
            assert watching.terminate() == 0


@EVERY_WAY
def test_a_watch_tells_changes_alone_until_it_is_interrupted(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        with bench.staying("state", "front", "--watch", "--interval", "1") as watching:
            assert watching.ready["battery"] == 100
            hand(bench, "battery", "--set", "55")
            assert next_line(watching)["battery"] == 55
            hand(bench, "battery", "--set", "44")
            assert next_line(watching)["battery"] == 44
            watching.signal(signal.SIGINT)
            assert watching.process.wait(30) == 0
            assert watching.process.stdout is not None
            assert watching.process.stdout.read() == ""
            assert watching.errors.read_text() == ""


def test_a_watch_outlives_a_cable_that_is_pulled_and_put_back(bench: Place) -> None:
    with bench.lock() as lock:
        assert bench.pair().code == 0
        with bench.staying("state", "front", "--watch", "--interval", "1") as watching:
            lock.terminate()
            gone = next_line(watching)
            assert (gone["bolt"], "there is no such port" in str(gone["trouble"])) == (None, True)
            with bench.lock():
                assert next_line(watching)["bolt"] == "locked"
