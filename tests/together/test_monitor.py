"""Watching a lock, and writing a trace: what travels is seen, by whom it may be, and digits only on demand."""

import json
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.together.processes import Place, Staying

DIGITS = "97531"


def add(bench: Place, *more: str) -> None:
    done = bench.latchwire("pin", "add", "front", "--alias", "Guest", "--pin-stdin", *more, stdin=f"{DIGITS}\n")
    assert done.code == 0, done.err


def heard(watcher: Staying, last: str) -> list[Any]:
    """Return the events up to the answer to `last`."""
    assert watcher.process.stdout is not None
    events = []
    for line in watcher.process.stdout:
        events.append(json.loads(line))
        if (events[-1]["what"], events[-1]["message"]) == ("answer", last):
            break
    return events


@pytest.mark.parametrize("show", [False, True], ids=["hidden", "shown"])
def test_a_monitor_sees_what_another_process_asks(bench: Place, show: bool) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        with bench.staying("monitor", "front", *(["--show-pins"] if show else [])) as watcher:
            assert watcher.ready == {"watching": "front"}
            add(bench)
            events = heard(watcher, "create_pin")
            watcher.signal(signal.SIGINT)
            assert watcher.process.wait(30) == 0
    request = next(event for event in events if (event["what"], event["message"]) == ("request", "create_pin"))
    assert request["fields"]["entry"]["alias"] == "Guest"
    assert (DIGITS in json.dumps(events)) is show
    assert events[-1]["status"] == "ok"
    assert not list((bench.state / "monitors").iterdir())


def test_the_socket_of_a_killed_monitor_is_cleared_away_and_costs_no_pin(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        with bench.staying("monitor", "front") as watcher:
            watcher.kill()
        assert len(list((bench.state / "monitors").iterdir())) == 1
        add(bench)
    assert not list((bench.state / "monitors").iterdir())


def test_a_monitor_that_does_not_read_costs_no_pin(bench: Place) -> None:
    with bench.lock():
        paired = bench.pair("--json")
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler,
        ):
            place = str(bench.state / "monitors" / f"{paired.json()['lock']}-1")
            full.bind(place)
            filler.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    filler.sendto(b"x", place)
            add(bench)


def test_a_path_too_long_for_a_socket_is_a_sentence(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    deep = bench.folder / ("d" * 90)
    bench.state.rename(deep)
    bench.environment["LATCHWIRE_STATE_DIR"] = str(deep)
    done = bench.latchwire("monitor", "front")
    assert done.code == 2
    assert "path too long" in done.err


def test_any_command_writes_a_trace(bench: Place) -> None:
    trace = Path(bench.path("trace"))
    with bench.lock():
        assert bench.pair("--trace", str(trace)).code == 0
        add(bench, f"--trace={trace}")
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    told = [event["message"] for event in events if event["what"] == "answer" and event["status"] == "ok"]
    assert told[:4] == ["ping", "set_clock", "status", "get_clock"]
    assert told[-1] == "create_pin"
    assert DIGITS not in trace.read_text()
    assert trace.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [["--trace"], ["--trace="], ["--trace", "--json"], ["--trace", "/nonexistent/trace"]])
def test_a_trace_without_a_file_is_refused(bench: Place, words: list[str]) -> None:
    done = bench.latchwire("lock", "list", *words)
    assert done.code == 2
    assert "trace" in done.err + done.out
