"""Bench and lock come to know each other: the key that is kept, the operator who is asked, and a lock that forgets."""

import asyncio
import os
import pty
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from firmware_sim.control import call
from hil.bench.keys import KeptKey
from hil.errors import BenchFault
from hil.station import Peer
from protocol.label import format_label
from tests.hil.lock_program import PROGRAM, ROOT, new_lock
from tests.hil.mutants import MUTANTS
from tests.hil.runs import Ran, environment, lock_on_a_pty, run, run_apart, suite, words

KNOWS = "async def test_it(lock):\n    await lock.open()\n"
RESETS = str(ROOT / "hil" / "conformance" / "test_by_itself.py")
PEER = Peer(private=bytes(range(32)), lock_key=bytes(32))


def options(folder: Path, flash: Path, label: Path, *, hands: bool) -> list[str]:
    """Return the options of a lock that is a program, with hands or without."""
    control = folder / "ctl"
    lock = [
        "--lock-target",
        f"exec:{PROGRAM} --hasty --flash {flash} --control {control}",
        "--lock-label-file",
        str(label),
    ]
    return [*lock, "--lock-control", str(control)] if hands else lock


def kept(folder: Path) -> Path:
    """Return the one key that was kept."""
    (file,) = (folder / "state" / "bench-keys").iterdir()
    return file


def test_a_key_is_kept_for_its_owner_alone_and_later_runs_need_no_button(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    tests = suite(tmp_path, KNOWS)
    assert run(tmp_path, *options(tmp_path, flash, label, hands=True), tests).code == 0
    file = kept(tmp_path)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = file.read_bytes()
    again = run(tmp_path, *options(tmp_path, flash, label, hands=False), tests)
    assert again.code == 0, again.text
    assert file.read_bytes() == before


def test_without_a_key_and_a_button_it_is_said_what_to_do(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    ran = run(tmp_path, *options(tmp_path, flash, label, hands=False), suite(tmp_path, KNOWS))
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "does not know this bench, which has no hand for its button, and its pairing window is closed." in ran.text
    assert not (tmp_path / "state").exists()


def test_a_lock_that_has_forgotten_the_bench_is_paired_anew(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    fresh, tests = flash.read_bytes(), suite(tmp_path, KNOWS)
    assert run(tmp_path, *options(tmp_path, flash, label, hands=True), tests).code == 0
    flash.write_bytes(fresh)
    again = run(tmp_path, *options(tmp_path, flash, label, hands=False), tests)
    assert "does not know this bench" in again.text
    again = run(tmp_path, *options(tmp_path, flash, label, hands=True), tests)
    assert again.code == 0, again.text


def test_a_reset_in_a_test_renews_the_key_that_is_kept(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    given = [*options(tmp_path, flash, label, hands=True), "--lock-destructive", "-k", "reset_takes", RESETS]
    ran = run(tmp_path, *given)
    assert (ran.code, "1 passed" in ran.ended) == (0, True), ran.text
    again = run(tmp_path, *options(tmp_path, flash, label, hands=False), suite(tmp_path, KNOWS))
    assert again.code == 0, again.text


def test_simulated_locks_leave_no_key(tmp_path: Path) -> None:
    assert run(tmp_path, suite(tmp_path, KNOWS)).code == 0
    assert not (tmp_path / "state").exists()


def at_a_terminal(folder: Path, options: list[str], does: Callable[[], object]) -> Ran:
    """Run pytest at a terminal; when it asks, do what it asks for and press Enter."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "pytest", *words(folder, *options)], environment(folder))  # noqa: S606
    said, asked = bytearray(), False
    try:
        while piece := os.read(terminal, 4096):
            said += piece
            if b"then press Enter: " in said and not asked:
                asked = True
                does()
                os.write(terminal, b"\n")
    except OSError:  # the other side has ended
        pass
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return Ran(code=os.waitstatus_to_exitcode(status), text=said.decode(errors="replace"))


def test_the_operator_is_asked_at_the_terminal_to_hold_the_button(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    control = tmp_path / "ctl"
    with lock_on_a_pty(tmp_path, flash, "--control", str(control)) as target:
        given = ["--lock-target", target, "--lock-label-file", str(label), "--lock-operator", suite(tmp_path, KNOWS)]
        hold = partial(call, control, {"do": "hold-button", "seconds": 5.0})
        ran = at_a_terminal(tmp_path, given, lambda: asyncio.run(hold()))
    assert ran.code == 0, ran.text
    assert re.search(rf"Hold the button of the lock {re.escape(target)} for 5 s, then press Enter: ", ran.text)


def test_a_window_that_is_open_needs_neither_hand_nor_person(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    with lock_on_a_pty(tmp_path, flash, "--pairing-open") as target:
        given = ["--lock-target", target, "--lock-label-file", str(label), suite(tmp_path, KNOWS)]
        ran = run_apart(tmp_path, *given)
    assert ran.code == 0, ran.text


def test_a_wrong_label_is_the_benchs_fault(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    label.write_text(format_label(bytes(16)))
    with lock_on_a_pty(tmp_path, flash, "--pairing-open") as target:
        given = ["--lock-target", target, "--lock-label-file", str(label), suite(tmp_path, KNOWS)]
        ran = run_apart(tmp_path, *given)
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "The lock refused the third message of a pairing. With it the label enters: is it this lock's?" in ran.text


def test_without_a_terminal_the_operator_cannot_be_asked(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    given = [*options(tmp_path, flash, label, hands=False), "--lock-operator"]
    ran = run(tmp_path, *given, suite(tmp_path, KNOWS))
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "There is no terminal to ask the operator at" in ran.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read as a key"),
        ("[]", "cannot be read as a key"),
        ('{"private": "00", "lock": "zz"}', "cannot be read as a key"),
        ('{"private": "00", "lock": "00"}', "wrong length"),
    ],
)
def test_a_key_that_cannot_be_used_is_said_with_its_file(tmp_path: Path, text: str, told: str) -> None:
    key = KeptKey(tmp_path, "front", bytes(16))
    assert key.load() is None
    key.path.write_text(text)
    with pytest.raises(BenchFault, match=told) as raised:
        key.load()
    assert str(key.path) in str(raised.value)


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    key = KeptKey(tmp_path, "serial:/dev/tty USB0", bytes(16))
    key.keep(PEER)
    assert key.load() == PEER
    assert key.path.name.startswith("serial-dev-tty-USB0-")
    key.path.chmod(0o644)
    with pytest.raises(BenchFault, match="others may read or write it"):
        key.load()


def test_a_folder_that_takes_no_key_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchFault, match="cannot be kept: Not a directory"):
        KeptKey(tmp_path / "file" / "keys", "front", bytes(16)).keep(PEER)


FILLS = """
async def test_it(lock, clock):
    for _ in range({}):
        await clock.advance(11)
        await lock.make_known(lock.new_peer())
"""
PAIRING = str(ROOT / "hil" / "conformance" / "test_pairing.py")


def test_a_lock_that_others_fill_is_no_lock_of_too_few_peers(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    given = options(tmp_path, flash, label, hands=True)
    assert run(tmp_path, *given, suite(tmp_path, FILLS.format(2))).code == 0
    ran = run(tmp_path, *given, "-k", "eight", PAIRING)
    assert (ran.code, ran.ended.startswith("2 skipped, ")) == (0, True), ran.text
    assert "Probably other bridges, or benches whose key is lost, have its places: let those unpair" in ran.text
    ran = run(tmp_path, *given, "--lock-destructive", "-k", "reset_keeps_eight", PAIRING)
    assert (ran.code, ran.ended.startswith("1 passed, ")) == (0, True), ran.text


def test_a_lock_without_room_for_the_bench_is_the_benchs_fault(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    given = options(tmp_path, flash, label, hands=True)
    assert run(tmp_path, *given, suite(tmp_path, FILLS.format(7))).code == 0
    kept(tmp_path).unlink()
    ran = run(tmp_path, *given, suite(tmp_path, KNOWS))
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "have its places: let those unpair, or reset the lock." in ran.text


def test_a_lock_of_seven_peers_that_nobody_else_has_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS["seven peers"].plant(monkeypatch)
    ran = run(tmp_path, "-k", "lock_keeps_eight", PAIRING)
    assert (ran.code, ran.ended.startswith("1 failed, ")) == (1, True), ran.text
    assert "The lock has no room for a peer, and keeps none but this bench's (4.6)." in ran.text
