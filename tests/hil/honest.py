"""The suite at an honest lock behind each link that there is without hardware, hands and all."""

from pathlib import Path

from tests.hil.lock_program import PROGRAM, new_lock
from tests.hil.suites import SUITE, Suite, suite

PROGRAMS = ("exec", "exec+pty")
TARGETS = ("sim:", "sim:pty", "sim:tcp", "sim:ble", *PROGRAMS)


def judged(folder: Path, target: str, *words: str, patience: float = 50) -> Suite:
    """Run the suite at a target, its report in `folder`."""
    options = ["--lock-target", target]
    if target in PROGRAMS:
        flash, label = new_lock(folder)
        control = folder / "ctl"
        options = [
            "--lock-target", f"{target}:{PROGRAM} --flash {flash} --control {control}", "--lock-label-file", str(label),
            "--lock-control", str(control), "--lock-keys", str(folder / "keys"), "--lock-destructive",
        ]  # fmt: skip
    return suite(*options, "--lock-report", str(folder / "report"), *words, SUITE, patience=patience)
