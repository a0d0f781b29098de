"""One run at a time has a target: within a process, between processes that die, and among pytest's workers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.bench.leases import free, lease_folder, leased
from hil.bench.targets import Spec
from hil.errors import BenchFault
from tests.hil.lock_program import PROGRAM, ROOT, new_lock
from tests.hil.runs import environment, run, run_apart, suite

FRONT = Spec(place="tcp:127.0.0.1:7000", name="front")
BACK = Spec(place="tcp:127.0.0.1:7001", name="back")
SIMULATED = Spec(place="sim:")
XDIST = ("-p", "xdist")
HOLDER = """
import sys
from pathlib import Path
from hil.bench.leases import leased
from hil.bench.targets import Spec
with leased([Spec(place=sys.argv[1])], Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""
WHO = "async def test_{n}(lock, lock_facts, record_property):\n    print('at', lock_facts.target)\n\n\n"


@contextmanager
def held_elsewhere(place: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lease of a place; it may be killed meanwhile."""
    words = [sys.executable, "-c", HOLDER, place, str(folder)]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.stdin.close()


def two_locks(folder: Path) -> str:
    """Write a bench file with two locks that are programs; return its path."""
    text = ""
    for name in ("front", "back"):
        flash, label = new_lock(folder, name)
        text += (
            f"[[target]]\nname = '{name}'\nlink = 'exec:{PROGRAM} --flash {flash} --control {folder}/{name}'\n"
            f"label_file = '{label}'\n[target.hands]\ncontrol = '{name}'\n"
        )
    file = folder / "bench.toml"
    file.write_text(text)
    return str(file)


def test_a_target_is_leased_once_and_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with leased([FRONT], tmp_path) as first:
            assert first == FRONT
            with (
                pytest.raises(BenchFault, match=f"front is in use by another run .process {os.getpid()}."),
                leased([FRONT], tmp_path),
            ):
                pass
            assert free([FRONT, BACK], tmp_path) == 1
    assert not list(tmp_path.glob("*.holder"))


def test_the_next_free_target_is_taken_and_none_twice(tmp_path: Path) -> None:
    with leased([FRONT, BACK], tmp_path, first=1) as first, leased([FRONT, BACK], tmp_path, first=1) as second:
        assert (first, second) == (BACK, FRONT)
        with pytest.raises(BenchFault, match=r"front is in use .* back is in use"), leased([FRONT, BACK], tmp_path):
            pass


def test_two_names_of_one_port_meet_in_one_lease(tmp_path: Path) -> None:
    link = tmp_path / "tty"
    link.symlink_to("/dev/null")
    one, other = Spec(place=f"serial:{link}", name="one"), Spec(place="serial:/dev/null?baud=9600", name="other")
    with leased([one], tmp_path), pytest.raises(BenchFault), leased([other], tmp_path):
        pass


def test_simulated_locks_are_made_for_each_and_need_no_lease(tmp_path: Path) -> None:
    with leased([SIMULATED], tmp_path), leased([SIMULATED], tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_process_that_dies_loses_its_lease(tmp_path: Path) -> None:
    with held_elsewhere(FRONT.place, tmp_path) as holder:
        with pytest.raises(BenchFault, match=f"process {holder.pid}"), leased([FRONT], tmp_path):
            pass
        holder.kill()
        holder.wait()
        with leased([FRONT], tmp_path):
            pass


def test_whoever_waits_gets_the_target_when_it_is_given_back(tmp_path: Path) -> None:
    with held_elsewhere(FRONT.place, tmp_path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        with leased([FRONT], tmp_path, wait=20):
            pass
        assert holder.wait() == 0


def test_a_folder_of_leases_that_others_may_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = lease_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(BenchFault, match="is not yours alone"):
        lease_folder()
    folder.rmdir()
    folder.symlink_to("/")
    with pytest.raises(BenchFault, match="is not yours alone"):
        lease_folder()


def test_a_run_whose_target_is_in_use_is_an_error_that_says_by_whom(tmp_path: Path) -> None:
    _, label = new_lock(tmp_path)
    leases = tmp_path / f"latchwire-leases-{os.getuid()}"
    leases.mkdir(mode=0o700)
    with held_elsewhere(FRONT.place, leases) as holder:
        options = ("--lock-target", FRONT.place, "--lock-label-file", str(label))
        ran = run(tmp_path, *options, suite(tmp_path, WHO.format(n=1)))
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert f"{FRONT.place} is in use by another run (process {holder.pid})" in ran.text


def test_two_workers_take_a_target_each(tmp_path: Path) -> None:
    tests = suite(tmp_path, "".join(WHO.format(n=n) for n in range(4)))
    ran = run_apart(tmp_path, "--lock-bench", two_locks(tmp_path), "-n2", tests, *XDIST)
    assert (ran.code, ran.ended) == (0, "4 passed"), ran.text
    assert (ran.text.count("at front"), ran.text.count("at back")) == (2, 2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-n3",), "3 workers need as many targets, and there are 2 (front,back). Give -n 2"),
        (("-n2", "--lock-target", "back"), "2 workers need as many targets, and there is 1 (back)."),
    ],
)
def test_more_workers_than_targets_are_refused_at_the_start(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    tests = suite(tmp_path, WHO.format(n=1))
    ran = run_apart(tmp_path, "--lock-bench", two_locks(tmp_path), *options, tests, *XDIST)
    assert ran.code == 4, ran.text
    assert f"ERROR: {told}" in ran.text


def test_more_workers_than_other_runs_leave_targets_are_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    file.write_text("".join(
        f"[[target]]\nname = '{spec.name}'\nlink = '{spec.place}'\nlabel_file = '{spec.name}'\n"
        for spec in (FRONT, BACK)
    ))  # fmt: skip
    leases = tmp_path / f"latchwire-leases-{os.getuid()}"
    leases.mkdir(mode=0o700)
    with held_elsewhere(FRONT.place, leases):
        ran = run_apart(tmp_path, "--lock-bench", str(file), "-n2", suite(tmp_path, WHO.format(n=1)), *XDIST)
    assert ran.code == 4, ran.text
    assert "ERROR: 2 workers need as many targets, and other runs leave 1 free." in ran.text


def test_workers_at_a_simulated_lock_have_one_each(tmp_path: Path) -> None:
    ran = run_apart(tmp_path, "-n2", suite(tmp_path, "".join(WHO.format(n=n) for n in range(4))), *XDIST)
    assert (ran.code, ran.ended) == (0, "4 passed"), ran.text
