"""Runs of the suite in a process of its own.

It loads the plugins alone that it needs: those of other tests take longer to import than the suite to run.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests import forked

ROOT = Path(__file__).parents[2]
SUITE = "hil/conformance"
PATIENCE = 50
"""Seconds."""
_PLUGINS = ("no:cacheprovider", "pytest_timeout", "hil.plugin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A run that has ended."""

    code: int
    said: str

    @property
    def last(self) -> str:
        """Its last line."""
        return self.said.splitlines()[-1]


def suite(*words: str, plugins: Iterable[str] = (), folder: Path = ROOT, patience: float = PATIENCE) -> Suite:
    """Run pytest with these options and files, at a lock in memory unless they name another."""
    chosen = [word for name in (*_PLUGINS, *plugins) for word in ("-p", name)]
    alone = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    known = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # the plugin has been imported already
    ended = forked.run(
        "pytest", ["-q", "--tb=no", *known, *chosen, *words], env=os.environ | alone, cwd=folder, seconds=patience
    )
    return Suite(code=ended.code, said=ended.out + ended.err)
