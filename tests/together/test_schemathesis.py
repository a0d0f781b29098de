"""Schemathesis asks everything that OpenAPI documents, of the real server with a simulated lock behind it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.together.fuzzed import served

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EVERY_CALL = 16


Operations = set[tuple[str, str]]


def operations(document: Any) -> Operations:
    """Return the method and path of each documented call."""
    found = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert len(found) == EVERY_CALL
    return found


def succeeded(exposition: str) -> Operations:
    """Return the calls that were answered with success at least once: a server may not pass by refusing everything."""
    return {
        (sample.labels["method"], sample.labels["route"])
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == "latchwire_http_answers_total" and sample.labels["status"].startswith("2")
    }


@pytest.mark.timeout(120)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "state") as live, httpx2.Client(base_url=live.url, trust_env=False) as http:
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
        document, counted = http.get("/openapi.json").json(), http.get("/metrics").text
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"Tested: +{EVERY_CALL}\n", done.stdout)
    assert succeeded(counted) >= operations(document)
    phases = ("Examples", "Coverage", "Fuzzing", "Stateful")
    assert all(f"✅ {phase}" in done.stdout for phase in phases), done.stdout
