"""One self-contained page that shows a report to people: no script, no font and no picture from elsewhere."""

from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader

from ..requirements import Level, requirements
from .results import Judged, Kept, Outcome, Report, Result

SECTIONS = {
    "2": "Conventions",
    "3": "Frames",
    "4": "From hello to session",
    "5": "Records",
    "6": "Requests and answers",
    "7": "Messages",
    "8": "What the lock does by itself",
    "9": "Links",
}
"""The chapters of SPEC.md that hold requirements."""


def page(report: Report, *, shows_pins: bool = False) -> str:
    """Return the page as HTML; `shows_pins` is what it says of itself at its end."""
    environment = Environment(
        loader=PackageLoader("hil.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    judged = report.judged
    return environment.get_template("report.html.j2").render(
        report=report,
        shows_pins=shows_pins,
        counts={str(outcome): count for outcome, count in report.counts.items()},
        chapters=_chapters(judged),
        musts=_tally(each for each in judged if each.requirement.level is Level.MUST),
        bad=[each for each in report.results if each.outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.QUARANTINED)],
        texts={each.id: each.text for each in requirements().values()},
        flaky=[each for each in report.results if each.outcome is Outcome.FLAKY],
        skipped=_skipped(report.results),
        measurements=[_bar(measured, result) for result in report.results for measured in result.measurements],
        facts={name.replace("_", " "): _told(value) for name, value in report.facts.items() if value not in (None, "")},
    )


def _chapters(judged: tuple[Judged, ...]) -> list[tuple[str, list[Judged]]]:
    def chapter(each: Judged) -> str:
        return each.requirement.section.partition(".")[0]

    ordered = sorted(judged, key=lambda each: [int(part) for part in each.requirement.section.split(".")])
    return [(f"{number} {SECTIONS[number]}", list(group)) for number, group in groupby(ordered, chapter)]


def _tally(judged: Any) -> dict[str, int]:
    kept = [each.kept for each in judged]
    return {str(each): kept.count(each) for each in Kept}


def _skipped(results: tuple[Result, ...]) -> list[tuple[str, list[Result]]]:
    """Return the reasons for which tests did not run, each with these."""
    reasons: dict[str, list[Result]] = {}
    for each in results:
        if each.outcome is Outcome.SKIPPED:
            reasons.setdefault(each.message, []).append(each)
    return sorted(reasons.items())


def _bar(measured: dict[str, Any], result: Result) -> dict[str, Any]:
    """Return a measurement with what its bar needs: per cent of the width for value and limits."""
    limits = [measured[name] for name in ("hi", "marginal", "lo") if measured.get(name) is not None]
    width = 1.1 * max([measured["value"], *limits, 1e-9])
    marks = {name: round(100 * measured[name] / width, 1) for name in ("lo", "marginal", "hi") if measured.get(name)}
    return {**measured, "test": result.id, "percent": round(100 * measured["value"] / width, 1), "marks": marks}


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
