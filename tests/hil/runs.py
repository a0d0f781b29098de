"""Runs of pytest in processes of their own, with the plugins alone that a test of the plugin needs."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGINS = ("no:cacheprovider", "pytest_timeout", "hil.plugin")
PATIENCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """Its last line, which counts."""
        return self.out.splitlines()[-1]


def pytest_in(folder: Path, *options: str, plugins: tuple[str, ...] = ()) -> Run:
    """Run the tests in `folder`."""
    words = [word for name in (*PLUGINS, *plugins) for word in ("-p", name)]
    alone = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(folder), *words, *options],
        cwd=folder, env=os.environ | alone, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return Run(code=done.returncode, out=done.stdout, err=done.stderr)
