"""Markers: what a test asks for, and with which sentence it is skipped where that is not there."""

from pathlib import Path

import pytest

from tests.hil.lock_program import PROGRAM, new_lock
from tests.hil.runs import run, suite

SWITCHED = """
import pytest

@pytest.mark.{marker}
def test_it(lock):
    pass

@pytest.mark.{marker}
def test_another():
    pass
"""
REQUIRES = """
import pytest
from hil.hands import Hand
from protocol.vocabulary import Capability

pytestmark = pytest.mark.requires("keypad")

@pytest.mark.requires({names})
def test_it(lock):
    pass
"""


def ended(folder: Path, text: str, *options: str) -> tuple[str, str]:
    """Run a file of tests; return how many ended how, and all that was printed."""
    ran = run(folder, *options, suite(folder, text))
    return ran.ended, ran.text


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("operator", "This test needs a person at the lock: give --lock-operator, and be there."),
        ("realtime", "This test needs real time to pass: give --lock-realtime to wait for it."),
    ],
)
def test_what_nobody_has_switched_on_is_skipped_in_a_sentence(tmp_path: Path, marker: str, sentence: str) -> None:
    text, target = SWITCHED.format(marker=marker), ("--lock-target", "sim:pty")
    how, said = ended(tmp_path, text, *target)
    assert (how, sentence in said) == ("1 passed, 1 skipped", True), said
    assert ended(tmp_path, text, *target, f"--lock-{marker}")[0] == "2 passed"


def test_a_lock_in_this_process_needs_no_real_time(tmp_path: Path) -> None:
    assert ended(tmp_path, SWITCHED.format(marker="realtime"))[0] == "2 passed"


def test_a_real_lock_is_spared_what_destroys_unless_it_is_said(tmp_path: Path) -> None:
    text = SWITCHED.format(marker="destructive")
    assert ended(tmp_path, text)[0] == "2 passed"  # at a simulated lock
    flash, label = new_lock(tmp_path)
    control = tmp_path / "ctl"
    target = ("--lock-target", f"exec:{PROGRAM} --flash {flash} --control {control}", "--lock-label-file", str(label))
    options = (*target, "--lock-control", str(control))
    how, said = ended(tmp_path, text, *options)
    assert (how, "give --lock-destructive" in said) == ("1 passed, 1 skipped", True), said
    assert ended(tmp_path, text, *options, "--lock-destructive")[0] == "2 passed"


@pytest.mark.parametrize(
    ("names", "how", "told"),
    [
        ("'button', 'latch', Hand.CLOCK, Capability.BOLT", "1 passed", ""),
        ("'door_contact'", "1 skipped", "has not the capabilities that the test asks for: door_contact."),
        ("'bolt'", "1 error", "'bolt' is a hand and a capability. Write requires(Hand.BOLT) or"),
        ("'telepathy'", "1 error", "nothing is called 'telepathy' that can be required"),
    ],
)
def test_a_test_runs_where_one_target_has_all_that_it_requires(tmp_path: Path, names: str, how: str, told: str) -> None:
    text = REQUIRES.format(names=names)
    ran = run(tmp_path, suite(tmp_path, text))
    assert how in ran.text
    assert told in ran.text
    assert "Traceback" not in ran.text


def test_a_hand_that_is_not_there_is_said(tmp_path: Path) -> None:
    flash, label = new_lock(tmp_path)
    control = tmp_path / "ctl"
    target = ("--lock-target", f"exec:{PROGRAM} --flash {flash} --control {control}", "--lock-label-file", str(label))
    text = 'import pytest\n\n@pytest.mark.requires("power", "keypad")\ndef test_it(lock):\n    pass\n'
    assert ended(tmp_path, text, *target, "--lock-control", str(control))[0] == "1 passed"
    how, said = ended(tmp_path, text, *target)  # the key is kept, so no button is needed
    assert (how, "This target has no hand for keypad." in said) == ("1 skipped", True), said
