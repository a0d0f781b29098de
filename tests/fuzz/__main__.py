"""Fuzz one parser over its kept corpus, or renew that corpus; it ends with 1 where an input breaks a promise."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from .corpus import CORPUS, keep, kept
from .targets import TARGETS

RUNS = 100_000
SLOW = {"boot": 20}
"""Targets that try so many times fewer inputs than they are asked to: each starts a whole lock, twice."""
LONGEST_UNIT = 256
CRASHES = Path("fuzz-crashes")
NO_ATHERIS = (
    "Fuzzing needs atheris, which is not installed: use Linux with Python 3.11 to 3.13 and `make .venv/installed`."
)


def main(words: Sequence[str] | None = None) -> int:
    """Fuzz one target and return the exit code."""
    options = _options(words)
    if find_spec("atheris") is None:
        sys.exit(NO_ATHERIS)
    if options.minimise:
        return minimise(options.target)
    return fuzz(options.target, runs=options.runs, seconds=options.seconds, seed=options.seed)


def fuzz(target: str, *, runs: int, seconds: int = 0, seed: int = 1) -> int:
    """Try so many inputs, `seconds` at most unless 0; print what came of it and return the exit code."""
    runs //= SLOW.get(target, 1)
    CRASHES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="latchwire-fuzz-") as found:
        limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST_UNIT}"]
        ended = _run(target, *limits, f"-artifact_prefix={CRASHES}/{target}-", found, str(CORPUS / target))
        units = len(list(Path(found).iterdir()))
    done = next((line for line in reversed(ended.stderr.splitlines()) if line.startswith("Done ")), "stopped early")
    _say(f"{target}: {done.removeprefix('Done ')}; seed {seed}, {units} new units")
    if ended.returncode:
        _say(ended.stdout, ended.stderr, f"{target}: an input broke a promise; it lies in {CRASHES}/.")
        return 1
    if not any(CRASHES.iterdir()):
        CRASHES.rmdir()
    return 0 if seconds or done.startswith(f"Done {runs} ") else 1


def minimise(target: str) -> int:
    """Replace the kept corpus by the fewest units that reach as much as seeds, corpus and a short run together."""
    with tempfile.TemporaryDirectory(prefix="latchwire-fuzz-") as name:
        grown, fewest = Path(name, "grown"), Path(name, "fewest")
        fewest.mkdir()
        old = [path.read_bytes() for path in kept(target)] if (CORPUS / target).exists() else []
        keep(grown, TARGETS[target].seeds() + old)
        grow = _run(target, f"-runs={RUNS}", "-max_total_time=8", "-seed=1", f"-max_len={LONGEST_UNIT}", str(grown))
        merge = _run(target, "-merge=1", str(fewest), str(grown))
        units = [path.read_bytes() for path in fewest.iterdir()]
        if grow.returncode or merge.returncode or not units:
            _say(grow.stderr, merge.stderr, f"{target}: the corpus was left as it is.")
            return 1
        shutil.rmtree(CORPUS / target, ignore_errors=True)
        keep(CORPUS / target, units)
    _say(f"{target}: {len(units)} units, {sum(map(len, units))} bytes")
    return 0


def _run(target: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.instrumented", target, *words]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", errors="replace")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--runs", type=int, default=RUNS, help="inputs to try; fewer where each is slow (%(default)s)")
    parser.add_argument("--seconds", type=int, default=0, help="stop after so many seconds")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (%(default)s)")
    parser.add_argument("--minimise", action="store_true", help="renew the kept corpus instead")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
