"""The `sim` commands as processes of their own: what they print, how they end, and what they leave behind."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from firmware_sim.cli import _on_the_air, _write_label
from firmware_sim.device import GEOMETRY
from firmware_sim.errors import OptionError
from firmware_sim.flash import ImageFlash
from firmware_sim.shown import Entry, Running, State
from firmware_sim.simulator import Simulator
from protocol.label import format_label, parse_label
from protocol.vocabulary import PinEntry, Schedule
from tests.firmware_sim.bench import ANNA, Bench, peer_of
from tests.forked import Ended
from tests.together.processes import Place, Staying, place

NIGHT = PinEntry(digits="8640197", alias="Guest", schedule=Schedule(valid_until=1))


@pytest.fixture(scope="module")
def folder() -> Iterator[Place]:
    with place() as made:
        yield made


@pytest.fixture(scope="module")
def lock(folder: Place) -> Iterator[Staying]:
    """A simulated lock with two pins, everywhere that it can be."""
    make_image(Path(folder.path("flash")))
    with folder.staying(
        "sim", "run", "--serial", folder.path("lock0"), "--tcp", "127.0.0.1:0", "--flash", folder.path("flash"),
        "--slots", "2", "--control", folder.path("ctl"), "--label-file", folder.path("label"), "--seed", "1",
    ) as running:  # fmt: skip
        yield running


def make_image(path: Path) -> None:
    """Write the flash of a lock with two pins."""
    with closing(ImageFlash(path, GEOMETRY)) as flash:
        bridge = peer_of(Bench(flash=flash))
        bridge.created(ANNA)
        bridge.created(NIGHT)


def run_all(folder: Place, *commands: list[str]) -> list[Ended]:
    """Run commands side by side: each takes its time to start."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda words: folder.latchwire("sim", *words), commands))


def sentence(ended: Ended) -> str:
    """Return the one sentence with which a command failed."""
    assert ended.out == ""
    assert ended.err.startswith("latchwire: ")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith(".\n")
    return ended.err


# --- a lock that runs ---


def test_the_ready_line_tells_where_the_lock_is(folder: Place, lock: Staying) -> None:
    ready = lock.ready
    assert ready.keys() == {
        "lock_id",
        "serial_number",
        "serial",
        "tcp",
        "ble",
        "control",
        "slots",
        "damage",
        "fault_seed",
    }
    assert (ready["serial"], ready["control"]) == (folder.path("lock0"), folder.path("ctl"))
    assert ready["tcp"].startswith("127.0.0.1:")
    assert (ready["slots"], ready["damage"]) == (2, "")
    assert ready["serial_number"] == f"SIM-{ready['lock_id']:08X}"
    assert Path(folder.path("lock0")).is_symlink()


def test_the_label_is_for_its_reader_alone(folder: Place, lock: Staying) -> None:
    label = Path(folder.path("label"))
    assert lock.process.poll() is None
    assert stat.S_IMODE(label.stat().st_mode) == 0o600
    assert len(parse_label(label.read_text())) == 16


def test_an_entry_is_granted_with_0_or_denied_with_4_and_says_why(folder: Place, lock: Staying) -> None:
    assert lock.process.poll() is None
    at = ["--control", folder.path("ctl")]
    granted, denied, told = run_all(
        folder, ["enter", ANNA.digits, *at], ["enter", NIGHT.digits, *at], ["enter", "13579", *at, "--json"]
    )
    assert (granted.code, granted.out, granted.err) == (0, "granted: pin 1 opens at any time\n", "")
    assert (denied.code, denied.err) == (4, "")
    assert denied.out == "denied: pin 2 is limited in time, and the lock does not trust its clock\n"
    assert (told.code, told.err) == (4, "")
    assert told.json() == {
        "granted": False,
        "pin_id": None,
        "denial": "unknown",
        "reason": "no pin has these digits",
        "explanation": "no pin has these digits",
    }


def test_the_other_hands_show_the_state(folder: Place, lock: Staying) -> None:
    at = ["--control", folder.path("ctl"), "--json"]

    def state(*words: str) -> dict[str, object]:
        (ended,) = run_all(folder, [*words, *at])
        assert (ended.code, ended.err) == (0, "")
        shown: dict[str, object] = ended.json()
        return shown

    assert state("hold-button")["pairing_open"] is True
    assert state("power-cycle")["pairing_open"] is False
    moved = state("clock", "--set", "2026-11-23T09:00:00+01:00")
    assert str(moved["time"]).startswith("2026-11-23T08:00:0")
    assert moved["clock_trusted"] is False
    assert str(state("clock", "--lose")["time"]).startswith("1970-01-01T00:00:0")
    assert str(state("clock", "--drift", "-20")["time"]).startswith("1970-01-01T00:0")
    assert str(state("clock", "--advance", "86410")["time"]).startswith("1970-01-02T00:0")
    assert state("battery", "--set", "unknown")["battery"] is None
    assert state("battery", "--set", "100")["battery"] == 100
    shown = state("state")
    expected = {"lock_id": lock.ready["lock_id"], "slots": 2, "used": 2, "list_version": 3, "peers": 1, "zone": "UTC"}
    assert expected.items() <= shown.items()


def test_what_is_in_use_is_told_in_a_sentence_and_the_lock_runs_on(folder: Place, lock: Staying) -> None:
    flash, control, port, file, socket_ = run_all(
        folder,
        ["run", "--serial", folder.path("other"), "--flash", folder.path("flash")],
        ["run", "--serial", folder.path("other1"), "--control", folder.path("ctl")],
        ["run", "--tcp", lock.ready["tcp"]],
        ["run", "--serial", folder.path("label")],
        ["run", "--serial", folder.path("other2"), "--control", folder.path("label")],
    )
    assert "another simulator holds it" in sentence(flash)
    assert "Another simulated lock listens at" in sentence(control)
    assert "already in use" in sentence(port)
    assert "no symbolic link" in sentence(file)
    assert "no socket" in sentence(socket_)
    assert [ended.code for ended in (flash, control, port, file, socket_)] == [1, 3, 3, 3, 3]
    assert not list(Path(folder.folder).glob("other*"))
    assert folder.latchwire("sim", "state", "--control", folder.path("ctl")).code == 0


# --- on the air ---


def test_a_lock_on_the_air_starts_where_one_was_killed(folder: Place) -> None:
    transport = f"unix-server:{folder.path('air')}"
    for _ in range(2):
        with folder.staying("sim", "run", "--ble", transport) as running:
            assert (running.ready["ble"], running.ready["serial"], running.ready["tcp"]) == (transport, None, None)
            assert Path(folder.path("air")).is_socket()
            running.kill()
    with folder.staying("sim", "run", "--ble", transport) as running, socket.socket(socket.AF_UNIX) as client:
        client.connect(folder.path("air"))
        client.sendall(bytes.fromhex("041000 01030c00"))  # an event, which no host sends, and HCI_Reset
        assert client.recv(100) == bytes.fromhex("040e0401030c00")
        running.signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
        assert running.errors.read_text() == ""
    assert not Path(folder.path("air")).exists()


def test_an_air_that_cannot_be_is_told_in_a_sentence(folder: Place) -> None:
    Path(folder.path("diary")).write_text("mine")
    nowhere, taken = run_all(
        folder, ["run", "--ble", "serial:/dev/nowhere"], ["run", "--ble", f"unix-server:{folder.path('diary')}"]
    )
    assert "/dev/nowhere" in sentence(nowhere)
    assert "no socket" in sentence(taken)
    assert (nowhere.code, taken.code) == (3, 3)


def test_without_the_extra_a_lock_on_the_air_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "firmware_sim.ports.ble", raising=False)
    monkeypatch.setitem(sys.modules, "bumble", None)
    with pytest.raises(
        OptionError, match=r"^--ble needs Bumble\. Install it with `pip install 'latchwire\[radio\]'`\.$"
    ):
        _on_the_air(cast("Simulator", None), "unix-server:air")


def test_the_commands_do_without_bumble_until_they_need_it() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, bridge.cli.running, firmware_sim.cli; print('bumble' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "False\n"


# --- wrong usage ---


def test_wrong_usage_is_a_sentence_and_exit_code_2(folder: Place) -> None:
    mine = Path(folder.path("mine"))
    mine.write_text("my diary")
    at = ["--serial", folder.path("wrong")]
    ends = run_all(
        folder,
        ["run"],
        ["run", *at, "--slots", "0"],
        ["run", *at, "--slots", "251"],
        ["run", "--tcp", "nonsense"],
        ["run", "--tcp", "127.0.0.1:65536"],
        ["run", "--ble", "nonsense"],
        ["run", *at, "--label-file", str(mine)],
        ["run", *at, "--label-file", str(folder.folder)],
        ["enter", "12345"],
        ["clock", "--control", folder.path("ctl"), "--set", "yesterday"],
        ["clock", "--control", folder.path("ctl"), "--set", "2026-11-23T09:00:00"],
        ["clock", "--control", folder.path("ctl"), "--set", "1969-12-31T23:59:59Z"],
        ["clock", "--control", folder.path("ctl"), "--set", "2026-11-23T09:00:00Z", "--lose"],
        ["clock", "--control", folder.path("ctl"), "--drift", "-100001"],
        ["clock", "--control", folder.path("ctl"), "--advance", "-1"],
        ["battery", "--control", folder.path("ctl"), "--set", "101"],
        ["battery", "--control", folder.path("ctl"), "--set", "low"],
        ["hold-button", "--control", folder.path("ctl"), "--seconds", "long"],
    )
    assert [ended.code for ended in ends] == [2] * len(ends)
    assert all(sentence(ended) for ended in ends)
    assert mine.read_text() == "my diary"
    assert not Path(folder.path("wrong")).is_symlink()


def test_a_hand_without_a_lock_is_exit_code_3_and_says_how_to_start_one(folder: Place) -> None:
    nowhere = folder.path("nowhere")
    entry, state = run_all(
        folder, ["enter", ANNA.digits, "--control", nowhere], ["state", "--control", nowhere, "--json"]
    )
    assert entry.code == state.code == 3
    assert f"sim run --control {nowhere}" in sentence(entry)
    assert ANNA.digits not in entry.err
    assert json.loads(state.out).keys() == {"error", "exit_code"}


# --- the end ---


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_lock_that_is_told_to_end_tidies_up(folder: Place, number: signal.Signals) -> None:
    paths = [Path(folder.path(f"{name}-{number}")) for name in ("line", "ctl")]
    with folder.staying("sim", "run", "--serial", str(paths[0]), "--control", str(paths[1])) as running:
        assert paths[0].is_symlink()
        assert paths[1].is_socket()
        running.signal(number)
        assert running.process.wait(30) == 0
        assert running.errors.read_text() == ""
    assert not [path for path in paths if path.is_symlink() or path.exists()]


def test_a_lock_starts_where_one_was_killed(folder: Place) -> None:
    words = ["sim", "run", "--serial", folder.path("again"), "--control", folder.path("ctl-again")]
    words += ["--flash", folder.path("flash-again"), "--label-file", folder.path("label-again")]
    with folder.staying(*words) as first:
        label = Path(folder.path("label-again")).read_text()
        first.kill()
    with folder.staying(*words) as second:
        assert second.ready["lock_id"] == first.ready["lock_id"]
        assert Path(folder.path("label-again")).read_text() == label
        shown = folder.latchwire("sim", "state", "--control", folder.path("ctl-again"))
        assert first.ready["serial_number"] in shown.out


def test_a_damaged_image_is_told_where_the_lock_starts_and_where_it_is_looked_at(folder: Place) -> None:
    image = Path(folder.path("flash-damaged"))
    make_image(image)
    data = bytearray(image.read_bytes())
    data[data.index(NIGHT.digits.encode())] ^= 1
    image.write_bytes(data)
    words = ["--serial", folder.path("hurt"), "--flash", str(image), "--control", folder.path("ctl-hurt")]
    with folder.staying("sim", "run", *words) as running:
        assert "lost values: 1" in running.ready["damage"]
        shown = folder.latchwire("sim", "state", "--control", folder.path("ctl-hurt"), "--json").json()
    assert (shown["damage"], shown["used"]) == (running.ready["damage"], 1)


# --- the label's file ---


@pytest.mark.parametrize("before", ["", "\n", format_label(bytes(16)) + "\n"])
def test_a_label_s_file_that_everybody_could_read_is_replaced_by_one_for_its_reader_alone(
    tmp_path: Path, before: str
) -> None:
    label = tmp_path / "label"
    label.write_text(before)
    label.chmod(0o644)
    with label.open() as held_open_by_somebody:
        _write_label(label, bytes(range(16)))
        assert held_open_by_somebody.read() == before
    assert stat.S_IMODE(label.stat().st_mode) == 0o600
    assert parse_label(label.read_text()) == bytes(range(16))
    assert list(tmp_path.iterdir()) == [label]


def link_to_a_label(path: Path) -> None:
    target = path.with_name("target")
    target.write_text(format_label(bytes(16)) + "\n")
    path.symlink_to(target)


@pytest.mark.parametrize("make", [link_to_a_label, os.mkfifo, Path.mkdir, lambda path: path.write_bytes(b"\xff")])
def test_what_is_no_label_s_file_stays(tmp_path: Path, make: Callable[[Path], object]) -> None:
    label = tmp_path / "label"
    make(label)
    before = {path: path.lstat() for path in tmp_path.iterdir()}
    with pytest.raises(OptionError, match=f"{label} .*--label-file"):
        _write_label(label, bytes(range(16)))
    assert {path: (path.lstat().st_ino, path.lstat().st_size) for path in tmp_path.iterdir()} == {
        path: (status.st_ino, status.st_size) for path, status in before.items()
    }


# --- a plan of faults ---


def test_the_readmes_plan_of_faults_is_taken_and_strikes(folder: Place) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (plan,) = re.findall(r"```toml\n(\[\[fault.*?)```", readme, re.DOTALL)
    Path(folder.path("faults.toml")).write_text(plan + '\n[[fault]]\ncpu = "reset"\nat = 0\n')
    with folder.staying(
        "sim", "run", "--tcp", "127.0.0.1:0", "--control", folder.path("bad"), "--faults", folder.path("faults.toml")
    ) as running:  # fmt: skip
        assert isinstance(running.ready["fault_seed"], int)
        assert folder.latchwire("sim", "state", "--control", folder.path("bad"), "--json").json()["faults"] >= 1


def test_a_plan_that_makes_no_sense_is_refused_with_line_and_key(folder: Place) -> None:
    Path(folder.path("odd.toml")).write_text('[[fault]]\nlink = "drop"\nprobability = 1.5\n')
    words = ["run", "--tcp", "127.0.0.1:0", "--faults"]
    odd, missing = run_all(folder, [*words, folder.path("odd.toml")], [*words, folder.path("none.toml")])
    assert (odd.code, missing.code) == (2, 2)
    assert sentence(odd).endswith('odd.toml, line 3, "probability": give a number from 0 to 1.\n')
    assert sentence(missing).endswith("none.toml: No such file or directory. Choose another file for --faults.\n")


# --- words for people ---


def test_the_texts_name_what_people_look_for() -> None:
    running = Running(
        lock_id=1,
        serial_number="SIM-1",
        serial="lock0",
        tcp="127.0.0.1:7000",
        ble=None,
        control=None,
        slots=3,
        damage="",
        fault_seed=None,
    )
    state = State(
        lock_id=1, serial="SIM-1", slots=3, used=2, list_version=7, peers=1, pairing_open=True, bolt="locked",
        jammed=True, battery=15, locked_out=False, wrong_entries=2, audit_last=9,
        time="2026-11-23T08:00:00Z", clock_trusted=False, zone="UTC", damage="Flash was damaged.", faults=4,
    )  # fmt: skip
    assert str(running) == ("Simulated lock SIM-1 with 3 slots is ready at serial:lock0 and tcp:127.0.0.1:7000.")
    on_the_air = replace(running, serial=None, tcp=None, lock_id=0x0A, ble="unix-server:air")
    assert str(on_the_air).endswith("is ready at ble:0000000A on unix-server:air.")
    assert str(replace(running, fault_seed=7)).endswith("\nFaults strike as planned; --seed 7 repeats them.")
    assert str(state).splitlines() == [
        "lock     SIM-1",
        "pins     2 of 3 slots, list version 7",
        "peers    1, pairing window open",
        "bolt     locked, jammed",
        "battery  15 %",
        "keypad   2 wrong entries in a row",
        "audit    9 records so far",
        "clock    2026-11-23T08:00:00Z (not trusted), zone UTC",
        "faults   4 have struck",
        "flash    Flash was damaged.",
    ]
    assert "battery  unknown" in str(replace(state, battery=None)).splitlines()
    assert Entry(granted=True, pin_id=1, denial=None, reason=None, explanation="").exit_code == 0
