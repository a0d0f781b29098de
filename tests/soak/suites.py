"""The whole suite at an honest lock behind every link that there is without hardware."""

import json
import sys
import tempfile
from pathlib import Path

from tests.hil.honest import TARGETS, judged

PATIENCE = 900


def main(seed: int) -> int:
    """Judge it behind each; return behind how many it did not conform."""
    wrong = 0
    for target in TARGETS:
        with tempfile.TemporaryDirectory(prefix="lw-") as folder:
            judged(Path(folder), target, "--lock-seed", str(seed), patience=PATIENCE)
            told = json.loads(Path(folder, "report", "report.json").read_text())
        wrong += told["exit_code"] != 0
        sys.stdout.write(f"suites: seed {seed}, {target}: {told['counts']['passed']} passed; {told['sentence']}\n")
    return wrong
