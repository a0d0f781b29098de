"""The commands for files of pins, at a simulated lock: what they say, what they change, and what cuts them off."""

import json
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.cli import pin_lists
from tests.forked import Ended
from tests.together.processes import PATIENCE, Place, Staying, command, place

HEADER = "alias,pin,enabled,from,until,windows\n"
ANN = "Ann,01357,yes,,,\n"
BOB = "Bob,97531,yes,2026-11-23,2026-12-24T12:00,mon-fri 08:00-16:00; sat 10:00-12:00\n"
CY = "Cy,86420,no,,,daily 22:00-06:00\n"
DI = "Di,24680,yes,,,\n"
SECRETS = ("01357", "97531", "86420", "24680")
SLOW = '[[fault]]\nlink = "late"\ndirection = "out"\nprobability = 1\nseconds = 0.1\n'


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """A paired lock in Warsaw with three slots."""
    with place({"LATCHWIRE_IDLE": "0.1"}) as bench, bench.lock("--tcp", "127.0.0.1:0") as lock:
        assert bench.pair(zone="Europe/Warsaw").code == 0
        bench.folder.joinpath("tcp").write_text(lock.ready["tcp"])
        yield bench


@contextmanager
def another_bridge(door: Place) -> Iterator[Place]:
    """Pair a second bridge with the lock, over TCP."""
    assert door.here("sim", "hold-button", "--control", door.path("ctl")).code == 0
    target = "tcp:" + door.folder.joinpath("tcp").read_text()
    with place() as other:
        words = ("--label-file", door.path("label"), "--name", "back", "--zone", "Europe/Warsaw")
        assert other.latchwire("pair", target, *words).code == 0
        yield other


@pytest.fixture
def door(shared: Place) -> Place:
    """The lock without any pins."""
    shared.folder.joinpath("empty.csv").write_text(HEADER)
    assert shared.here("pin", "apply", "front", shared.path("empty.csv"), "--prune", "--yes").code == 0
    return shared


def file(door: Place, *lines: str, name: str = "pins.csv") -> str:
    """Write a file of pins and return its path."""
    door.folder.joinpath(name).write_text(HEADER + "".join(lines))
    return door.path(name)


def apply(door: Place, *lines: str, more: tuple[str, ...] = ()) -> Ended:
    """Apply a file of these lines."""
    done = door.here("pin", "apply", "front", file(door, *lines), "--yes", "--json", *more)
    assert not any(secret in done.out + done.err for secret in SECRETS)
    return done


def endings(done: Ended) -> list[tuple[str, str, str]]:
    """Return how each slot has ended."""
    return [(line["action"], line["alias"], line["outcome"]) for line in done.lines() if "outcome" in line]


def verified(door: Place, *lines: str) -> Ended:
    """Compare the lock with a file of these lines."""
    return door.here("pin", "verify", "front", file(door, *lines, name="verified.csv"), "--json")


def test_each_command_does_its_work_as_a_process_of_its_own(door: Place) -> None:
    applied = door.latchwire("pin", "apply", "front", file(door, ANN, BOB), "--yes")
    assert (applied.code, applied.out.endswith("2 verified\n"), applied.err) == (0, True, "")
    exported = door.latchwire("pin", "export", "front", "-", "--show-pins")
    assert exported.out == (
        f"{HEADER}{ANN.strip()}always\n"
        "Bob,97531,yes,2026-11-23T00:00:00+01:00,2026-12-24T12:00:00+01:00,mon-fri 08:00-16:00; sat 10:00-12:00\n"
    )
    imported = door.latchwire("pin", "import", "front", file(door, ANN, CY))
    assert (imported.code, imported.out.endswith("1 already there, 1 added\n")) == (0, True)
    compared = door.latchwire("pin", "verify", "front", file(door, ANN, BOB))
    assert (compared.code, compared.out.endswith("1 not in the file, 2 equal\n")) == (7, True)


def test_a_dry_run_shows_the_plan_and_changes_nothing(door: Place) -> None:
    assert apply(door, ANN, BOB).code == 0
    plan = door.here("pin", "apply", "front", file(door, ANN, CY), "--dry-run", "--prune", "--json")
    *steps, total = plan.lines()
    assert [(step["action"], step["alias"]) for step in steps] == [("remove", "Bob"), ("add", "Cy"), ("keep", "Ann")]
    assert (plan.code, total) == (0, {"counts": {"remove": 1, "add": 1, "keep": 1}})
    assert verified(door, ANN, BOB).code == 0


def test_nothing_is_changed_without_a_yes(door: Place) -> None:
    done = door.here("pin", "apply", "front", file(door, ANN))
    assert (done.code, "add" in done.out, "Add --yes" in done.err) == (2, True, True)
    assert verified(door).code == 0


def test_a_full_lock_is_brought_to_another_full_list(door: Place) -> None:
    assert apply(door, ANN, BOB, CY).code == 0
    done = apply(door, DI, CY.replace("no", "yes"), "Bob,01357,yes,,,\n", more=("--prune",))
    assert done.code == 0, done.out
    assert endings(done) == [("remove", "Bob", "verified"), ("update", "Cy", "verified"), ("update", "Bob", "verified"),
                             ("add", "Di", "verified")]  # fmt: skip
    assert verified(door, DI, CY.replace("no", "yes"), "Bob,01357,yes,,,\n").code == 0


def test_what_the_file_does_not_list_is_spared_and_a_full_lock_refuses_what_is_too_much(door: Place) -> None:
    assert apply(door, ANN, BOB).code == 0
    done = apply(door, CY, DI)
    assert (done.code, endings(done)) == (4, [("add", "Cy", "verified"), ("add", "Di", "refused")])
    assert any("no free slot" in (line.get("reason") or "") for line in done.lines())
    assert verified(door, ANN, BOB, CY).code == 0


def test_digits_that_two_pins_swap_are_no_duplicate(door: Place) -> None:
    assert apply(door, ANN, DI).code == 0
    assert apply(door, "Ann,24680,yes,,,\n", "Di,01357,yes,,,\n").code == 0
    assert verified(door, "Ann,24680,yes,,,\n", "Di,01357,yes,,,\n").code == 0


def test_an_import_adds_and_never_changes(door: Place) -> None:
    assert apply(door, ANN).code == 0
    done = door.here("pin", "import", "front", file(door, "Anna,01357,yes,,,\n", DI), "--json")
    assert (done.code, endings(done)) == (4, [("add", "Anna", "refused"), ("add", "Di", "added")])
    assert verified(door, ANN, DI).code == 0


def test_verify_tells_every_kind_of_difference(door: Place) -> None:
    assert apply(door, ANN, BOB, CY).code == 0
    done = verified(door, ANN, BOB.replace("16:00", "17:00"), DI)
    *lines, _ = done.lines()
    assert done.code == 7
    assert {(line["alias"], line["action"], line["changes"]) for line in lines} == {
        ("Ann", "equal", ""),
        ("Bob", "differs", "windows"),
        ("Cy", "not in the file", ""),
        ("Di", "missing at the lock", ""),
    }


@pytest.mark.parametrize("name", ["out.toml", "out.csv"])
def test_an_export_is_its_owners_alone_and_can_be_verified_and_with_digits_applied(door: Place, name: str) -> None:
    assert apply(door, ANN, BOB, CY).code == 0
    for words, code in (((), 2), (("--show-pins",), 0)):
        path = Path(door.path(name))
        path.unlink(missing_ok=True)
        done = door.here("pin", "export", "front", str(path), *words)
        assert (done.code, done.out) == (0, f"{path} holds 3 pins.\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert any(secret in path.read_text() for secret in SECRETS) is bool(words)
        assert door.here("pin", "verify", "front", str(path)).code == 0
        assert door.here("pin", "apply", "front", str(path), "--dry-run").code == code


@pytest.mark.parametrize("name", ["same.toml", "same.csv"])
def test_an_export_of_pins_that_share_an_alias_is_a_plan_without_changes(door: Place, name: str) -> None:
    assert apply(door, ANN, "Ann,97531,yes,,,mon\n", BOB.replace("97531", "24680")).code == 0
    path = door.path(name)
    assert door.here("pin", "export", "front", path, "--show-pins").code == 0
    done = door.here("pin", "apply", "front", path, "--prune", "--json")
    *plan, total = done.lines()
    assert (done.code, [line["action"] for line in plan], total) == (0, ["keep"] * 3, {"counts": {"keep": 3}})
    assert [door.here("pin", command, "front", path).code for command in ("import", "verify")] == [0, 0]


@pytest.mark.parametrize("command", ["apply", "import", "verify"])
def test_a_malformed_file_is_refused_before_the_lock_is_asked(door: Place, command: str) -> None:
    path = file(door, ANN, "Bob,97531,yes,,,someday\n")
    done = door.here("pin", command, "front", path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"latchwire: {path}, line 3, column windows: ")


def test_a_slot_that_another_bridge_changed_meanwhile_is_told_and_the_rest_is_done(
    door: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apply(door, ANN, BOB).code == 0
    with another_bridge(door) as other:

        def meanwhile(_: str) -> None:
            assert other.latchwire("pin", "remove", "back", "Bob", "--yes").code == 0

        monkeypatch.setattr(pin_lists, "confirm", meanwhile)
        later = [BOB.replace("16:00", "17:00"), DI]
        done = door.here("pin", "apply", "front", file(door, ANN, *later), "--json")
    assert (done.code, endings(done)) == (4, [("update", "Bob", "refused"), ("add", "Di", "verified")])
    assert apply(door, ANN, *later).code == 0
    assert verified(door, ANN, *later).code == 0


@contextmanager
def applying(bench: Place, lines: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run an apply at a slow lock, from the moment at which the lock has stored its first pin."""
    words = ["pin", "apply", "front", file(bench, *lines), "--yes", "--json"]
    process = subprocess.Popen(
        command(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bench.environment
    )
    try:
        while not bench.here("sim", "state", "--control", bench.path("ctl"), "--json").json()["used"]:
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def slow(bench: Place) -> Iterator[Staying]:
    """A paired lock that takes its time with every answer; its place is `bench`."""
    bench.folder.joinpath("slow.toml").write_text(SLOW)
    bench.environment["LATCHWIRE_DEADLINE"] = "4"
    with bench.lock("--faults", bench.path("slow.toml"), "--seed", "1", slots=14) as lock:
        assert bench.pair().code == 0
        yield lock


LINES = [f"Guest {number},{number}0{number}95,yes,,,\n" for number in range(1, 15)]


@pytest.mark.usefixtures("slow")
def test_a_killed_apply_is_repeated_and_converges(bench: Place) -> None:
    with applying(bench, LINES) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    again = apply(bench, *LINES)
    assert again.code == 0, again.out
    assert 0 < len(endings(again)) < len(LINES)
    assert {outcome for _, _, outcome in endings(again)} == {"verified"}
    assert verified(bench, *LINES).code == 0


def test_a_lock_that_falls_silent_leaves_one_slot_unknown_and_the_others_unasked(bench: Place, slow: Staying) -> None:
    bench.environment["LATCHWIRE_DEADLINE"] = "2"
    with applying(bench, LINES) as process:
        slow.signal(signal.SIGSTOP)
        out, err = process.communicate(timeout=PATIENCE)
    outcomes = [line["outcome"] for line in map(json.loads, out.splitlines()) if "outcome" in line]
    assert (process.returncode, err) == (6, ""), out
    assert (outcomes.count("unknown"), outcomes[-1]) == (1, "not asked")
    assert set(outcomes) <= {"verified", "unknown", "not asked"}
    slow.signal(signal.SIGCONT)
    bench.environment["LATCHWIRE_DEADLINE"] = "8"
    assert apply(bench, *LINES).code == 0
    assert verified(bench, *LINES).code == 0


def test_a_lock_that_is_silent_from_the_start_has_not_been_changed(bench: Place) -> None:
    bench.environment["LATCHWIRE_DEADLINE"] = "0.5"
    with bench.lock() as lock:
        assert bench.pair().code == 0
        lock.signal(signal.SIGSTOP)
        done = bench.here("pin", "apply", "front", file(bench, ANN), "--yes")
        assert (done.code, done.out, done.err.startswith("latchwire: ")) == (3, "", True)
        lock.signal(signal.SIGCONT)
        assert bench.here("sim", "state", "--control", bench.path("ctl"), "--json").json()["used"] == 0
