"""What goes wrong at a door, with real processes: each ends in a sentence and its exit code, and nothing is lost."""

import json
import os
import pty
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from protocol.label import format_label
from tests.conftest import NO_TLS
from tests.together.processes import Place, typed

STRANGER = format_label(bytes(16)) + "\n"
"""The label of no lock here."""


def test_the_second_process_at_a_lock_is_told_who_holds_it(bench: Place) -> None:
    with bench.lock(), bench.staying("serve", "--port", "0") as serving:
        assert bench.pair().code == 0
        _create(serving.ready["url"], bench.token(), "97531")
        second = bench.here("pin", "list", "front")
        assert second.code == 3
        assert f"`latchwire serve` (process {serving.process.pid})" in second.err
        serving.terminate()
        assert bench.here("pin", "list", "front", "--json").json()["id"] == 1


def test_a_holder_that_was_killed_holds_nothing(bench: Place) -> None:
    with bench.lock(), bench.staying("serve", "--port", "0") as serving:
        assert bench.pair().code == 0
        _create(serving.ready["url"], bench.token(), "97531")
        serving.kill()
        assert bench.here("pin", "list", "front", "--json").json()["id"] == 1


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("serial:{d}/nowhere", 3, "there is no such port"),
        ("serial:{d}/label", 3, "Cannot open the serial port"),
        ("serial:{d}/lock0?speed=9600", 2, "is no target"),
        ("tcp:127.0.0.1:1", 3, "Cannot connect"),
        ("tcp:127.0.0.1", 2, "is no target"),
        ("usb:1", 2, "is no target"),
        ("memory:lock", 3, "only inside one process"),
    ],
)
def test_a_target_that_is_none_is_named_with_the_cause(bench: Place, target: str, code: int, words: str) -> None:
    bench.folder.joinpath("label").write_text(STRANGER)
    done = bench.here("pair", target.format(d=bench.folder), "--label-file", bench.path("label"), "--name", "a")
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_label_that_cannot_be_is_refused_before_anything_is_asked(bench: Place) -> None:
    mistyped = STRANGER.strip()[:-1] + "X"
    for text in ("", "1234", mistyped):
        done = bench.here("pair", "serial:nowhere", "--label-stdin", "--name", "a", stdin=text + "\n")
        assert (done.code, "label cannot be right" in done.err) == (2, True)
        assert not text or text not in done.err


def test_a_wrong_label_and_a_closed_window_are_refused_alike(bench: Place) -> None:
    with bench.lock():
        right = bench.folder.joinpath("label").read_text()
        bench.folder.joinpath("label").write_text(STRANGER)
        wrong = bench.pair()
        bench.folder.joinpath("label").write_text(right)
        assert bench.here("sim", "power-cycle", "--control", bench.path("ctl")).code == 0
        closed = bench.pair()
        assert wrong.code == closed.code == 5
        assert wrong.err.replace("is open", "is closed") == closed.err
        assert "hold the lock's button for 5 s" in closed.err
        assert bench.here("lock", "list", "--json").out == ""
        assert bench.here("sim", "hold-button", "--control", bench.path("ctl")).code == 0
        assert bench.pair().code == 0


def test_a_lock_pulled_out_in_mid_request_is_an_unknown_outcome_and_no_traceback(bench: Place) -> None:
    with bench.lock() as lock:
        assert bench.pair().code == 0
        lock.signal(signal.SIGSTOP)
        adding = subprocess.Popen(
            [*_latchwire(), "pin", "add", "front", "--alias", "a", "--pin-stdin"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bench.environment,
        )  # fmt: skip
        assert adding.stdin is not None
        adding.stdin.write("97531\n")
        adding.stdin.flush()
        _wait_for(bench.state / "locks")
        lock.kill()
        _, errors = adding.communicate(timeout=30)
    assert adding.returncode in (3, 6)
    assert "Traceback" not in errors
    assert errors.startswith("latchwire: ")


def test_a_silent_device_ends_at_the_deadline(bench: Place) -> None:
    master, slave = pty.openpty()
    try:
        bench.folder.joinpath("label").write_text(STRANGER)
        bench.environment["LATCHWIRE_DEADLINE"] = "0.5"
        words = ["--label-file", bench.path("label"), "--name", "a"]
        done = bench.here("pair", f"serial:{os.ttyname(slave)}", *words)
        assert (done.code, "again" in done.err) == (6, True), done.err
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_that_talks_nonsense_ends_at_the_deadline(bench: Place) -> None:
    master, slave = pty.openpty()

    def talk() -> None:
        with suppress(OSError):  # the bridge has closed the port
            while True:
                os.write(master, os.read(master, 4096)[::-1] + b"login:\x00\x01\x00")

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        bench.folder.joinpath("label").write_text(STRANGER)
        bench.environment["LATCHWIRE_DEADLINE"] = "0.5"
        words = ["--label-file", bench.path("label"), "--name", "a"]
        assert bench.here("pair", f"serial:{os.ttyname(slave)}", *words).code == 6
    finally:
        os.close(slave)
        os.close(master)
        thread.join(5)


@pytest.mark.parametrize("loose", ["", "keys", "keys/bridge.key", "latchwire.db"])
def test_state_that_others_can_reach_is_refused(bench: Place, loose: str) -> None:
    assert bench.here("lock", "list").code == 0
    path = bench.state / loose
    path.chmod(path.stat().st_mode | 0o044)
    for words in (["lock", "list"], ["serve", "--port", "0"]):
        done = bench.here(*words)
        assert (done.code, f"{path} has mode" in done.err, "chmod" in done.err) == (5, True, True)


def test_a_damaged_flash_image_keeps_what_is_intact_and_says_so(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        for digits in ("97531", "86420"):
            add = bench.here("pin", "add", "front", "--alias", "a", "--pin-stdin", stdin=f"{digits}\n")
            assert add.code == 0, add.err
    image = bench.folder / "lock0.flash"
    data = bytearray(image.read_bytes())
    at = data.index(b"97531")
    data[at] ^= 0x04
    image.write_bytes(data)
    with bench.lock() as lock:
        assert "damaged" in lock.ready["damage"] or "lost" in lock.ready["damage"]
        assert bench.enter("86420").code == 0
        assert bench.enter("97531").code == 4
        assert bench.enter("93531").code == 4


def test_a_lock_whose_image_can_no_longer_be_written_ends_in_a_sentence(bench: Place) -> None:
    with bench.lock() as lock:
        _, most = resource.prlimit(lock.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(lock.process.pid, resource.RLIMIT_FSIZE, (4096, most))
        assert bench.pair().code in (3, 6)
        assert lock.process.wait(30) == 1
        assert lock.process.stdout is not None
        ended = json.loads(lock.process.stdout.readline())
        assert ended["exit_code"] == 1
        assert f"{bench.path('lock0.flash')} cannot be used: writing failed (File too large)" in ended["error"]
        assert lock.errors.read_text() == ""
    assert not Path(bench.path("lock0")).is_symlink()
    with bench.lock():
        assert bench.pair().code == 0


@pytest.mark.parametrize("content", [b"\x00" * 100, b"\x00" * 102400, b"\x5a" * 102400], ids=len)
def test_an_image_that_is_none_is_refused_and_left_alone(bench: Place, content: bytes) -> None:
    image = bench.folder / "lock0.flash"
    image.write_bytes(content)
    image.chmod(0o600)
    done = bench.here("sim", "run", "--serial", bench.path("lock0"), "--flash", str(image))
    assert done.code == 1, done.err
    assert str(image) in done.err or "flash" in done.err
    assert image.read_bytes() == content


@pytest.mark.parametrize(
    "words",
    [
        ["pin", "add", "nobody", "--alias", "a", "--pin-stdin"],
        ["pin", "list", "nobody"],
        ["token", "create", "--scope", "Device.Read", "--lock", "9"],
    ],
    ids=" ".join,
)
def test_a_lock_that_nobody_knows_is_exit_code_3(bench: Place, words: list[str]) -> None:
    done = bench.here(*words, stdin="97531\n")
    assert (done.code, "There is no lock" in done.err) == (3, True)
    as_json = bench.here(*words, "--json", stdin="97531\n")
    assert as_json.json()["exit_code"] == 3
    assert as_json.err == ""


def test_the_log_of_a_server_names_the_cause_of_a_call_that_failed(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    with bench.staying("serve", "--port", "0") as serving:
        answer = _post(serving.ready["url"], bench.token(), "97531")
        assert answer.status_code == 408
        log = serving.errors.read_text()
        assert f"request {answer.headers['X-Correlation-ID']}: Unreachable: " in log
        assert f"{bench.path('lock0')}: there is no such port" in log
        assert "97531" not in log
        assert bench.path("lock0") not in answer.text


@pytest.mark.parametrize("words", [["pin", "add", "front", "--alias", "a", "--pin-stdin"], ["pin", "list", "front"]])
def test_a_zone_that_this_host_lacks_is_told_before_the_lock_is_asked(bench: Place, words: list[str]) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    with closing(sqlite3.connect(bench.state / "latchwire.db")) as database, database:
        database.execute("UPDATE locks SET zone = 'Mars/Olympus'")
    done = bench.here(*words, stdin="97531\n")
    assert (done.code, "does not know the lock's time zone" in done.err) == (2, True), done.err


def test_a_key_that_is_no_file_is_told_in_a_sentence(bench: Place) -> None:
    (bench.state / "keys" / "bridge.key").mkdir(mode=0o700, parents=True)
    for path in (bench.state, bench.state / "keys"):
        path.chmod(0o700)
    done = bench.here("lock", "list")
    assert (done.code, "Internal failure" in done.err) == (1, False)
    assert f"{bench.state / 'keys' / 'bridge.key'} cannot be used (Is a directory)." in done.err


def test_serving_to_the_network_is_refused(bench: Place) -> None:
    done = bench.here("serve", "--host", "0.0.0.0")  # noqa: S104  it must be refused
    assert (done.code, "plain HTTP" in done.err) == (2, True)


def _create(url: str, token: str, digits: str) -> None:
    answer = _post(url, token, digits)
    assert answer.status_code == 201, answer.text


def _post(url: str, token: str, digits: str) -> httpx2.Response:
    return httpx2.post(
        f"{url}/api/v1/my/lock/123/pin",
        json={"alias": "a", "pin": digits},
        headers={"Authorization": f"PersonalKey {token}"},
        timeout=20,
        verify=NO_TLS,
    )


def _latchwire() -> list[str]:
    return [sys.executable, "-m", "bridge.cli"]


def _wait_for(locks: Path) -> None:
    """Wait until a process owns the lock, which it does just before it opens the port."""
    deadline = threading.Event()
    timer = threading.Timer(20, deadline.set)
    timer.start()
    while not any(locks.glob("*.holder")):
        assert not deadline.is_set()
    timer.cancel()


def test_a_key_that_is_missing_is_told_and_not_replaced(bench: Place) -> None:
    with bench.lock():
        assert bench.pair().code == 0
    bench.state.joinpath("keys", "bridge.key").unlink()
    done = bench.here("lock", "list")
    assert (done.code, "bridge.key is missing" in done.err) == (1, True)
    assert not bench.state.joinpath("keys", "bridge.key").exists()


def test_pairing_with_a_lock_whose_clock_is_ahead_says_nothing_of_it(bench: Place) -> None:
    with bench.lock():
        for _ in range(2):
            assert bench.here("sim", "hold-button", "--control", bench.path("ctl")).code == 0
            paired = bench.pair()
            assert (paired.code, paired.err) == (0, "")
            words = ["--set", "2040-01-01T00:00:00Z", "--control", bench.path("ctl")]
            assert bench.here("sim", "clock", *words).code == 0
        listed = bench.latchwire("pin", "list", "front")
        assert (listed.code, "`latchwire clock set --force` sets it." in listed.err) == (0, True)


def test_a_reader_that_has_seen_enough_ends_a_command_that_stays_without_a_trace(bench: Place) -> None:
    words = [*_latchwire(), "sim", "run", "--serial", bench.path("lock0")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bench.environment)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(30) == 0
    assert not bench.folder.joinpath("lock0").is_symlink()


def test_a_name_that_the_terminal_cannot_show_is_shown_otherwise(bench: Place) -> None:
    bench.environment["PYTHONIOENCODING"] = "ascii"
    with bench.lock():
        assert bench.pair(name="Tür").code == 0
        assert "T\\xfcr" in bench.from_nothing("lock", "list").out
        assert bench.from_nothing("lock", "list", "--json").json()["name"] == "Tür"


@pytest.mark.parametrize(
    "words", [["pin", "add", "front", "--alias", "a"], ["pair", "tcp:127.0.0.1:1", "--name", "b"], ["unpair", "front"]]
)
def test_an_interrupt_ends_what_waits_for_an_answer_at_once(bench: Place, words: list[str]) -> None:
    with bench.lock():
        assert bench.pair().code == 0
        assert typed(bench, None, *words) == 130
