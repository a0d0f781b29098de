"""Measurements of a test: each is kept in its report with its limits, and one beyond them fails the test."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum

import pytest

from ..errors import Nonconformant

PROPERTY = "lock_measure"
"""The name among a report's `user_properties` under which a measurement stands: a dictionary of plain values alone, for
pytest-xdist sends no others."""


class Verdict(StrEnum):
    """What a value comes to; OVER fails, and so does a value that is too low."""

    OK = "ok"
    MARGINAL = "marginal"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value and its limits, which are values that are still good; without any there is no verdict."""

    name: str
    value: float
    lo: float | None = None
    hi: float | None = None
    marginal: float | None = None
    """From here on, towards `hi`, or without that towards `lo`, a value is good and wants a look."""
    verdict: Verdict | None = None


class Measure:
    """Takes the measurements of one test."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(
        self,
        name: str,
        value: float,
        *,
        lo: float | None = None,
        hi: float | None = None,
        marginal: float | None = None,
    ) -> Measurement:
        """Keep a value, and return it with its verdict; raise Nonconformant where it is beyond a limit.

        Raises ValueError for what makes no sense: `marginal` lies before `hi`, or without that before `lo`.
        """
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}: a measurement is a finite number")
        _require_sense(lo, hi, marginal)
        verdict = None if lo is None and hi is None else _verdict(value, lo, hi, marginal)
        taken = Measurement(name=name, value=float(value), lo=lo, hi=hi, marginal=marginal, verdict=verdict)
        self._properties.append((PROPERTY, asdict(taken) | {"verdict": verdict and verdict.value}))
        if verdict is Verdict.OVER:
            limits = " and ".join(
                f"{word} {limit:g}" for word, limit in (("at least", lo), ("at most", hi)) if limit is not None
            )
            raise Nonconformant(f"{name} is {value:g} and has to be {limits}.")
        return taken


def _require_sense(lo: float | None, hi: float | None, marginal: float | None) -> None:
    if not all(limit is None or math.isfinite(limit) for limit in (lo, hi, marginal)):
        raise ValueError("a limit is a finite number")
    if lo is not None and hi is not None and lo > hi:
        raise ValueError("lo is above hi")
    if marginal is not None:
        if lo is None and hi is None:
            raise ValueError("marginal needs a limit")
        if (hi is not None and marginal > hi) or (lo is not None and marginal < lo):
            raise ValueError("marginal lies beyond the limit")


def _verdict(value: float, lo: float | None, hi: float | None, marginal: float | None) -> Verdict:
    low, high = -math.inf if lo is None else lo, math.inf if hi is None else hi
    if not low <= value <= high:
        return Verdict.OVER
    if marginal is not None and (value <= marginal if hi is None else value >= marginal):
        return Verdict.MARGINAL
    return Verdict.OK


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measure:
    """Takes measurements: `measure("ack_ms", value, hi=250, marginal=200)`."""
    return Measure(request.node.user_properties)
