"""Runs of pytest at a lock: within this process, which is quick, or in one of its own where that is what is tested."""

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.hil.lock_program import ROOT

PATIENCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended: its exit code and what it printed."""

    code: int
    text: str

    @property
    def ended(self) -> str:
        """How many tests ended how."""
        return self.text.rstrip().splitlines()[-1].split(" in ")[0]


def environment(folder: Path) -> dict[str, str]:
    """Return that of a run whose keys and leases are in `folder`, away from those of its user."""
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return os.environ | alone | {"LATCHWIRE_STATE_DIR": str(folder / "state"), "TMPDIR": str(folder)}


def words(folder: Path, *options: str) -> list[str]:
    """Return the options of a run that loads no more plugins than it needs, and no settings of this project."""
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\n")
    names = ("no:cacheprovider", "no:faulthandler", "hil.plugin", "tests.hil.hasty_plugin")
    plugins = ["-c", str(settings), *(word for name in names for word in ("-p", name))]
    return ["-q", "-rA", "-W", "error", "--import-mode=importlib", f"--rootdir={folder}", *plugins, *options]


def run(folder: Path, *options: str) -> Ran:
    """Run pytest to its end in this process."""
    said = io.StringIO()
    before = set(sys.modules)
    with (
        patch.dict(os.environ, environment(folder)),
        patch.object(tempfile, "tempdir", str(folder)),
        redirect_stdout(said),
        redirect_stderr(said),
    ):
        code = pytest.main([*words(folder, *options), "--capture=sys"])
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
    return Ran(code=int(code), text=said.getvalue())


def run_apart(folder: Path, *options: str) -> Ran:
    """Run pytest to its end in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words(folder, *options)],
        cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=PATIENCE, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Ran(code=done.returncode, text=done.stdout + done.stderr)


def suite(folder: Path, text: str, name: str = "test_one.py") -> str:
    """Write a file of tests; return its path."""
    file = folder / name
    file.write_text(text)
    return str(file)


@contextmanager
def lock_on_a_pty(folder: Path, flash: Path, *options: str) -> Iterator[str]:
    """Run a lock on a pty, in a process of its own; yield its target."""
    program = [
        sys.executable,
        "-m",
        "tests.hil.lock_program",
        "--flash",
        str(flash),
        "--serial",
        str(folder / "tty"),
        "--hasty",
    ]
    with subprocess.Popen(
        [*program, *options],
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield f"serial:{folder / 'tty'}"
        finally:
            process.stdin.close()
            process.wait(PATIENCE)
