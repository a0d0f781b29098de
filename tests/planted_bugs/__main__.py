"""Bugs that the tests must see: each is planted in a copy of the project, and its tests have to turn red there.

`make bugs` runs this. A bug whose text no longer stands in the code fails too: move it along with the code.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import (
    air,
    api,
    bench,
    benches,
    bridge,
    commands,
    edge,
    hands,
    knowledge,
    lock,
    pins,
    protocol,
    radio,
    whole_runs,
)  # fmt: skip
from .bug import Bug

ROOT = Path(__file__).parents[2]
PATIENCE = 300

BUGS = (
    *protocol.BUGS,
    *air.BUGS,
    *lock.BUGS,
    *bridge.BUGS,
    *api.BUGS,
    *commands.BUGS,
    *bench.BUGS,
    *benches.BUGS,
    *edge.BUGS,
    *hands.BUGS,
    *knowledge.BUGS,
    *pins.BUGS,
    *radio.BUGS,
    *whole_runs.BUGS,
)


def red(tests: Sequence[str], bug: Bug | None = None) -> bool:
    """Return whether one of `tests` fails in a copy of the project, in which `bug` is planted."""
    with tempfile.TemporaryDirectory(prefix="latchwire-bug-") as folder:
        copy = Path(folder, "project")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
        if bug:
            _plant(bug, copy / bug.file)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
            cwd=copy, capture_output=True, text=True, timeout=PATIENCE if bug else None, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"{bug.name if bug else 'no bug'}: the tests did not run\n{done.stdout}{done.stderr}")
    return done.returncode == 1


def _plant(bug: Bug, file: Path) -> None:
    text = file.read_text()
    if text.count(bug.good) != 1:
        raise SystemExit(f"{bug.name}: its text stands {text.count(bug.good)} times in {bug.file}")
    file.write_text(text.replace(bug.good, bug.bad))


def main(wanted: list[str]) -> int:
    """Plant each bug, or those whose names contain one of the words given; return 1 where one was not caught."""
    chosen = [bug for bug in BUGS if not wanted or any(word in bug.name for word in wanted)]
    missed = 0
    if red(sorted({test for bug in chosen for test in bug.tests})):
        raise SystemExit("The tests are red without any bug: what they say of one means nothing.")
    for bug in chosen:
        found = red(bug.tests, bug)
        missed += not found
        sys.stdout.write(f"{'caught' if found else 'MISSED'}  {bug.name}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} planted bugs caught\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
