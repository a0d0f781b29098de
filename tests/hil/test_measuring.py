"""Measurements: what they come to, what their reports hold, and that one beyond its limits fails its test."""

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from hil.errors import Nonconformant
from hil.running.measuring import Measure, Verdict
from tests.hil.suites import suite

PROBE = """\
import json

def pytest_runtest_logreport(report):
    if report.when == "call":
        with open(report.nodeid.rpartition("::")[2] + ".json", "w") as file:
            json.dump([report.outcome, report.user_properties], file)
"""
TESTS = """\
def test_quick(measure):
    measure("ack_ms", 12.5, hi=250, marginal=200)
    measure("boots", 3)

def test_slow(measure):
    measure("ack_ms", 251, hi=250)
"""


@pytest.mark.parametrize(
    ("value", "limits", "verdict"),
    [
        (5, {}, None),
        (250, {"hi": 250}, Verdict.OK),
        (199, {"hi": 250, "marginal": 200}, Verdict.OK),
        (200, {"hi": 250, "marginal": 200}, Verdict.MARGINAL),
        (250, {"hi": 250, "marginal": 200}, Verdict.MARGINAL),
        (3, {"lo": 3}, Verdict.OK),
        (3.5, {"lo": 3, "marginal": 3.5}, Verdict.MARGINAL),
        (4, {"lo": 3, "marginal": 3.5}, Verdict.OK),
        (4, {"lo": 3, "hi": 4}, Verdict.OK),
        (3, {"lo": 0, "hi": 10, "marginal": 2}, Verdict.MARGINAL),
    ],
)
def test_a_value_within_its_limits_is_good_or_marginal(
    value: float, limits: dict[str, float], verdict: Verdict | None
) -> None:
    assert Measure([])("v", value, **limits).verdict is verdict


@pytest.mark.parametrize(
    ("value", "limits", "sentence"),
    [
        (250.1, {"hi": 250}, r"^v is 250\.1 and has to be at most 250\.$"),
        (2.9, {"lo": 3}, r"^v is 2\.9 and has to be at least 3\.$"),
        (5, {"lo": 3, "hi": 4}, r"^v is 5 and has to be at least 3 and at most 4\.$"),
    ],
)
def test_a_value_beyond_a_limit_is_the_firmwares_failure_and_is_kept(
    value: float, limits: dict[str, float], sentence: str
) -> None:
    kept: list[tuple[str, Any]] = []
    with pytest.raises(Nonconformant, match=sentence):
        Measure(kept)("v", value, **limits)
    assert [(name, taken["verdict"]) for name, taken in kept] == [("lock_measure", Verdict.OVER)]


@pytest.mark.parametrize(
    "limits",
    [{"hi": math.nan}, {"lo": math.inf}, {"lo": 2, "hi": 1}, {"marginal": 1},
     {"hi": 1, "marginal": 2}, {"lo": 2, "marginal": 1}],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    kept: list[tuple[str, Any]] = []
    with pytest.raises(ValueError, match=r"lo|hi|limit|marginal"):
        Measure(kept)("v", 1, **limits)
    assert not kept


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_reports_hold_what_was_measured(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "conftest.py").write_text(PROBE)
    (tmp_path / "test_it.py").write_text(TESTS)
    run = suite("--tb=short", "--junitxml=it.xml", *workers, plugins=("xdist",), folder=tmp_path)
    assert (run.code, "1 failed, 1 passed" in run.last) == (1, True), run.said
    assert "ack_ms is 251 and has to be at most 250." in run.said
    outcome, properties = json.loads((tmp_path / "test_quick.json").read_text())
    ack = {"name": "ack_ms", "value": 12.5, "lo": None, "hi": 250, "marginal": 200, "verdict": "ok"}
    boots = {"name": "boots", "value": 3, "lo": None, "hi": None, "marginal": None, "verdict": None}
    assert (outcome, properties) == ("passed", [["lock_measure", ack], ["lock_measure", boots]])
    outcome, properties = json.loads((tmp_path / "test_slow.json").read_text())
    assert (outcome, properties[0][1]["verdict"]) == ("failed", "over")
    assert len(Xml.parse(tmp_path / "it.xml").findall(".//property[@name='lock_measure']")) == 3  # noqa: S314  our own


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_measurement(value: float) -> None:
    kept: list[tuple[str, Any]] = []
    with pytest.raises(ValueError, match="a measurement is a finite number"):
        Measure(kept)("v", value)
    assert kept == []
