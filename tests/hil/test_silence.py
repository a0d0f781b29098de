"""Locks that answer nothing, or garbage, that fall silent, restart or end in mid-suite: each ends in a sentence."""

import re
from pathlib import Path

from tests.hil.lock_program import LAST_WORDS, PROGRAM, new_lock
from tests.hil.runs import Ran, lock_on_a_pty, run, suite

TESTS = "".join(f"async def test_{n}(lock):\n    pass\n\n\n" for n in range(12))
HELD = """
import asyncio

async def test_one(lock):
    await asyncio.Event().wait()

async def test_two(lock):
    pass
"""


def bench(folder: Path, link: str, label: Path, more: str = "") -> str:
    """Write a bench file with one lock, for which nobody waits long; return its path."""
    file = folder / "bench.toml"
    file.write_text(f"""
[[target]]
name = "it"
link = '''{link}'''
label_file = "{label}"
answer = 0.4
quiet = 0.1
{more}
[target.hands]
control = "ctl"
""")
    return str(file)


def troubled(folder: Path, trouble: str, after: int, text: str = TESTS, *options: str) -> Ran:
    """Run tests at a lock on a pty that has a trouble behind so many pieces of bytes."""
    flash, label = new_lock(folder)
    words = ("--control", str(folder / "ctl"), "--trouble", trouble, "--after", str(after))
    with lock_on_a_pty(folder, flash, *words) as target:
        return run(folder, "--lock-bench", bench(folder, target, label), *options, suite(folder, text))


def test_a_lock_that_answers_nothing_is_an_error_at_once(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "silence", 0)
    assert (ran.code, ran.ended) == (1, "12 errors"), ran.text
    assert "Nothing answers at it within 0.4 s. Has the lock power?" in ran.text


def test_a_lock_that_answers_garbage_is_an_error_at_once(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "babble", 0)
    assert (ran.code, ran.ended) == (1, "12 errors"), ran.text
    assert "No lock speaks at it: The lock sent a damaged frame" in ran.text


def test_a_lock_that_falls_silent_ends_the_suite_behind_three_tests(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "silence", 40)
    assert ran.code == 1
    assert re.fullmatch(r"[34] failed, \d passed, [45] errors", ran.ended), ran.text
    assert "Not run: the lock has fallen silent since" in ran.text


def test_a_lock_that_talks_garbage_in_mid_suite_fails_each_test_from_there(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "babble", 40)
    assert ran.code == 1
    assert "passed" in ran.ended
    assert "error" not in ran.ended
    assert "The lock sent a damaged frame" in ran.text


def test_a_lock_that_restarts_in_mid_suite_fails_one_test_alone(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "restart", 40)
    assert (ran.code, ran.ended) == (1, "1 failed, 11 passed"), ran.text


def test_a_program_that_ends_in_mid_suite_fails_a_test_that_says_how_and_is_started_anew(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    link = f"exec:{PROGRAM} --flash {flash} --control {tmp_path}/ctl --trouble end --after 40"
    ran = run(tmp_path, "--lock-bench", bench(tmp_path, link, label), suite(tmp_path, TESTS))
    assert ran.code == 1
    assert "error" not in ran.ended
    assert f"ended with exit code 3 in the middle of the suite. Its last words: {LAST_WORDS}" in ran.text


def test_a_wire_that_is_lost_in_mid_suite_is_the_benchs_fault(tmp_path: Path) -> None:
    ran = troubled(tmp_path, "end", 40)
    assert ran.code == 1
    assert re.fullmatch(r"\d passed, \d errors", ran.ended), ran.text
    assert "was lost. Is the cable still plugged in?" in ran.text


def test_what_the_total_time_does_not_hold_is_cut_off_or_not_run(tmp_path: Path) -> None:
    ran = run(tmp_path, "--lock-total", "2", suite(tmp_path, HELD))
    assert (ran.code, ran.ended) == (1, "2 errors"), ran.text
    assert "Cut off: total time is over (2 s, --lock-total gives more)." in ran.text
    assert "Not run: total time is over" in ran.text
