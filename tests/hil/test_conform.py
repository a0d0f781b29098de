"""`latchwire conform`: its words, its exit codes, and what it leaves behind."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hil.conform import process
from hil.conform.catalogue import tests as catalogue
from hil.conform.process import Run, run_suite
from hil.errors import BenchFault
from hil.report.results import held_to
from hil.requirements import Profile, requirements
from protocol.label import format_label
from tests import forked
from tests.hil.suites import PATIENCE, ROOT, SUITE, suite

COMMAND = (sys.executable, "-m", "bridge.cli", "conform")
LABEL = format_label(bytes(16))
OTHERS = {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "--no-such-option"}
"""What a user's shell may hold, which is none of the suite's business."""


def conform(*words: str, folder: Path = ROOT) -> tuple[int, str, str]:
    """Run the command, elsewhere than in this project where a test likes."""
    done = forked.run("bridge.cli", ["conform", *words], env=os.environ | OTHERS, cwd=folder, seconds=PATIENCE)
    return done.code, done.out, done.err


def objects(said: str) -> list[dict[str, Any]]:
    """Return what --json printed."""
    return [json.loads(line) for line in said.splitlines()]


def test_an_honest_lock_conforms_wherever_the_command_is_called(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    code, said, complaints = conform("sim:", "--profile", "persist", "--report", "report", folder=tmp_path)
    assert (code, complaints) == (0, "")
    assert "Nothing that was looked at breaks the protocol." in said
    assert {file.name for file in (tmp_path / "report").iterdir()} == {"junit.xml", "report.json", "report.html"}


def test_the_users_folder_shadows_no_module_of_ours(tmp_path: Path) -> None:
    (tmp_path / "protocol").mkdir()
    for name in ("protocol/__init__.py", "bridge.py", "hil.py"):
        (tmp_path / name).write_text("raise SystemExit('the file of a user')")
    command = [str(Path(sys.executable).with_name("latchwire")), "conform", "sim:", "--profile", "persist"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("")
    code, _, complaints = conform("sim:", "--report", str(tmp_path / "report"))
    assert code == 2
    assert "--report" in complaints


def test_a_profile_of_which_nothing_can_be_seen_is_not_kept() -> None:
    code, said, _ = conform("sim:", "--profile", "ble")
    assert code == 2
    assert "Nothing here could look at profile ble." in said


def test_for_programs_each_chapter_and_the_end_are_an_object() -> None:
    code, said, _ = conform("sim:", "--profile", "persist", "--json")
    *chapters, ended = objects(said)
    assert (code, ended["exit_code"], ended["verdict"], ended["report"]) == (0, 0, "conforms", None)
    assert sum(each["counts"]["passed"] for each in chapters) == ended["counts"]["passed"] > 0


@pytest.mark.parametrize("profile", Profile)
def test_the_requirements_of_a_profile_are_listed(profile: Profile) -> None:
    code, said, _ = conform("--list", "--profile", profile, "--json")
    assert code == 0
    assert [each["id"] for each in objects(said)] == [each.id for each in held_to(profile)]


def test_a_requirement_is_explained_with_its_tests() -> None:
    code, said, _ = conform("--explain", "lw-042")
    assert code == 0
    assert requirements()["LW-042"].text in said
    assert "test_operations.py::test_a_refusal_is_not_recorded_and_its_id_is_still_the_next" in said


def test_the_catalogue_is_what_pytest_finds() -> None:
    lines = suite("--co", SUITE).said.splitlines()
    found = {line.partition("[")[0].rpartition("/")[2] for line in lines if "::" in line}
    assert {each.id for each in catalogue()} == found


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Which lock? Name a target, such as `latchwire conform sim:`"),
        (("--explain", "LW-999"), "No requirement is called LW-999: they are LW-001 to LW-"),
        (("sim:", "--repro", "test_pins.py"), "--repro takes SEED:TEST"),
        (("sim:", "--repro", "7:test_nothing.py::test_x"), "The suite has no test test_nothing.py::test_x"),
        (("sim:", "--exec", "./lock"), "leave the target and --bench out"),
        (("sim:xyz",), "sim:xyz"),
        (("serial:/dev/null",), "The label of the lock at serial:/dev/null is needed to pair: give --label-file FILE."),
        (("sim:", "--profile", "gold"), "gold"),
        (("sim:", "--report", "/proc/nowhere"), "--report /proc/nowhere cannot be made"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    code, said, complaints = conform(*words)
    assert (code, said) == (2, "")
    assert sentence in complaints
    assert "Traceback" not in complaints
    assert len(complaints.splitlines()) == 1


def test_a_lock_that_cannot_be_reached_is_the_benchs_fault(tmp_path: Path) -> None:
    (tmp_path / "label").write_text(LABEL)
    code, said, _ = conform(
        f"serial:{tmp_path / 'nothing'}", "--label-file", str(tmp_path / "label"), "--profile", "persist"
    )
    assert code == 2
    assert "The bench failed, which says nothing of the firmware. The target cannot be reached" in said
    assert said.count("cannot be reached") == 2, "what has been told once is not told for each test"


def test_a_bench_that_is_refused_has_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text('[[target]]\nname = "front"\nlink = "sim:"\ncolour = "red"\n')
    code, _, complaints = conform("--bench", "bench.toml", "--report", "report", folder=tmp_path)
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert (code, told["verdict"], told["exit_code"]) == (2, "bench fault", 2)
    assert '"colour": there is no such key' in complaints
    assert '"colour": there is no such key' in told["sentence"]


def test_a_suite_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async for _ in run_suite(Run(target="sim:", report=tmp_path, words=(), seconds=0.01)):
            pass

    hanging = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.pause()"
    monkeypatch.setattr(process, "MARGIN", 0)
    monkeypatch.setattr(process, "TO_END", 0.01)
    monkeypatch.setattr(Run, "command", (sys.executable, "-c", hanging))
    with pytest.raises(BenchFault, match="The suite did not end within"):
        asyncio.run(run())


def test_one_test_is_repeated_with_what_it_drew() -> None:
    name = "test_frames.py::test_a_body_that_is_not_its_layout_is_malformed_and_does_nothing[no length]"
    code, said, _ = conform("sim:", "--repro", f"7:{name}", "--json")
    assert code == 0
    ended = objects(said)[-1]
    assert ended["counts"]["passed"] == 1
    assert ended["sentence"] == "What was chosen to run passes, which says nothing of the rest."


def test_an_interrupt_ends_the_suite_tells_what_it_has_seen_and_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "sim:pty", "--report", str(tmp_path)], cwd=ROOT, env=os.environ | OTHERS,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 130
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    counted = re.fullmatch(
        r"latchwire: Interrupted after \d+ of \d+ tests: \d+ skipped.*\. The report of it is (.*)\.\n", told
    )
    assert counted, told
    assert Path(counted[1]).is_file()
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "bench fault"


def test_an_interrupt_before_any_test_is_told_too() -> None:
    with subprocess.Popen(
        [*COMMAND, "sim:pty"], cwd=ROOT, env=os.environ | OTHERS, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not children.read_text():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE)[1] == "latchwire: Interrupted before a test had ended.\n"
    assert process.returncode == 130


def test_a_trace_of_the_bridge_is_not_for_a_suite(tmp_path: Path) -> None:
    code, said, complaint = conform("sim:", "--trace", str(tmp_path / "trace"))
    assert (code, said) == (2, "")
    assert "--report DIR --keep all" in complaint
    assert not (tmp_path / "trace").exists()
