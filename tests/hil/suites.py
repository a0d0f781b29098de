"""Runs of pytest at a lock, each in a process of its own that loads the plugins alone that it needs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.hil.lock_program import ROOT

PLUGINS = ("no:cacheprovider", "pytest_timeout", "hil.plugin")
PATIENCE = 50

PASSES = "async def test_{name}(lock):\n    await lock.open()\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended: its exit code, what it printed, and its last line."""

    code: int
    text: str

    @property
    def last(self) -> str:
        return self.text.rstrip().splitlines()[-1]


def environment(folder: Path) -> dict[str, str]:
    """Return that of a run whose keys and leases are in `folder`, away from those of its user."""
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    return os.environ | alone | {"LATCHWIRE_STATE_DIR": str(folder / "state"), "TMPDIR": str(folder)}


def command(*options: str, plugins: tuple[str, ...] = ()) -> list[str]:
    """Return the words that run pytest."""
    loaded = [word for name in (*PLUGINS, *plugins) for word in ("-p", name)]
    settings = ("--import-mode=importlib", "-c", str(ROOT / "pyproject.toml"))
    return [sys.executable, "-m", "pytest", "-q", "-rA", *settings, *loaded, *options]


def run(folder: Path, *options: str, plugins: tuple[str, ...] = ()) -> Ran:
    """Run pytest to its end."""
    done = subprocess.run(
        command(f"--rootdir={folder}", *options, plugins=plugins),
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
    words = [sys.executable, "-m", "tests.hil.lock_program", "--flash", str(flash), "--serial", str(folder / "tty")]
    with subprocess.Popen(
        [*words, *options], cwd=ROOT, env=environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield f"serial:{folder / 'tty'}"
        finally:
            process.stdin.close()
            process.wait(PATIENCE)
