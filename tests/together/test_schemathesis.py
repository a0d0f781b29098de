"""Schemathesis asks everything that OpenAPI documents, of the real server with a simulated lock behind it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.together.fuzzed import served

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EVERY_CALL = 16
ANSWER = r'latchwire_http_answers_total{method="(\w+)",route="([^"]+)",status="2\d\d"}'
"""How the bridge counts a call that has succeeded."""


@pytest.mark.timeout(120)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "state") as live:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(HERE / "schemathesis.toml")),
                *("run", f"{live.url}/openapi.json", "--no-color"),
                *("--header", f"Authorization: Bearer {live.token}"),
            ],
            cwd=tmp_path,  # it leaves a folder behind
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        documented = {
            (method.upper(), path)
            for path, operations in httpx2.get(f"{live.url}/openapi.json").json()["paths"].items()
            for method in operations
        }
        succeeded = set(re.findall(ANSWER, httpx2.get(f"{live.url}/metrics").text))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"Tested: +{EVERY_CALL}\n", done.stdout)
    phases = ("Examples", "Coverage", "Fuzzing", "Stateful")
    assert all(f"✅ {phase}" in done.stdout for phase in phases), done.stdout
    assert documented - succeeded == set()
