"""What a run of the suite has shown: of each test, of each requirement, and of the lock as a whole."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bridge.tracing import HIDDEN

from ..requirements import Level, Profile, Requirement, Role, requirements

FORMAT = 1
"""The version of what `Report.as_json` returns; report.schema.json describes it."""
EVENT = "\x1e"
"""Begins a line that tells a program of the run as it goes on: one JSON object, as in RFC 7464."""
_PIN_LIKE = re.compile(r"(?P<port>(?:tcp:|//)[\w.\[\]:-]+:\d{1,5}(?!\d))|(?<!\w)\d{5,8}(?!\w)")


class Outcome(StrEnum):
    """How a test ended. FAILED is the firmware's, ERROR the bench's."""

    PASSED = "passed"
    FLAKY = "flaky"  # passed at a later try only
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


_SEEN = (Outcome.PASSED, Outcome.FLAKY, Outcome.QUARANTINED)


class Kept(StrEnum):
    """Whether the lock keeps a requirement."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # the bench failed
    UNSEEN = "unseen"  # nothing here could look


class Verdict(StrEnum):
    """What the run says of the lock."""

    CONFORMS = "conforms"
    QUARANTINED = "conforms but for quarantine"
    NONCONFORMANT = "nonconformant"
    BENCH_FAULT = "bench fault"

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return {Verdict.NONCONFORMANT: 1, Verdict.BENCH_FAULT: 2}.get(self, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one test has shown.

    `message` is one sentence or more for people, `trace` the last lines of what was said (captures), `capture` the file
    that holds all of it. `began` tells whether the test itself ran, and not only what comes before it. `tries` is more
    than one where it passed at a later try only. `measurements` are mappings as `hil.running.measuring` makes them.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    outcome: Outcome
    seconds: float
    message: str = ""
    trace: str = ""
    capture: str | None = None
    began: bool = True
    tries: int = 1
    measurements: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A requirement, and whether it is kept; `results` are those of its tests."""

    requirement: Requirement
    kept: Kept
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run. `begun` is ISO 8601, `facts` what was learned of the lock and the bench."""

    place: str
    profile: Profile
    seed: int
    begun: str
    seconds: float
    version: str
    results: tuple[Result, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    chosen: bool = False
    """Whether the run was of chosen tests alone."""
    options: tuple[str, ...] = ()
    """What `latchwire conform` needs beside the place to reach the lock again."""
    stopped: str = ""
    """Why the run ended before its end, empty where it did not."""

    @property
    def verdict(self) -> Verdict:
        """One failure is a proof; without one, a fault of the bench or a run that saw nothing leaves nothing proved."""
        ended = self.counts
        if ended[Outcome.FAILED]:
            return Verdict.NONCONFORMANT
        if ended[Outcome.ERROR] or self.stopped or not self._has_looked:
            return Verdict.BENCH_FAULT
        return Verdict.QUARANTINED if ended[Outcome.QUARANTINED] else Verdict.CONFORMS

    @property
    def _has_looked(self) -> bool:
        """Whether something was seen of what the profile is about; a run of chosen tests has its own."""
        if self.chosen or self.profile in (Profile.FULL, Profile.BASIC):
            return any(each.outcome in _SEEN for each in self.results)
        own = [each for each in self.judged if each.requirement.profile is self.profile]
        return any(each.kept is not Kept.UNSEEN for each in own)

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many tests ended how."""
        return {outcome: sum(each.outcome is outcome for each in self.results) for outcome in Outcome}

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Each requirement that a lock of this profile has to keep, in the order of the SPEC's checklist."""
        return tuple(_judged(each, self.results) for each in held_to(self.profile))

    @property
    def sentence(self) -> str:
        """The verdict, for people."""
        return " ".join(filter(None, (self._main_sentence, self._flaky_sentence, self._unseen_sentence)))

    @property
    def _main_sentence(self) -> str:
        broken = [each.requirement.id for each in self.judged if each.kept is Kept.BROKEN]
        failed = next((each for each in self.results if each.outcome is Outcome.FAILED), None)
        match self.verdict:
            case Verdict.CONFORMS if self.chosen:
                return "What was chosen to run passes, which says nothing of the rest."
            case Verdict.CONFORMS:
                return "Nothing that was looked at breaks the protocol."
            case Verdict.QUARANTINED:
                return f"Nothing breaks the protocol but what is in quarantine: {_listed(broken) or 'other tests'}."
            case Verdict.NONCONFORMANT if broken:
                return f"The firmware breaks {_listed(broken)}."
            case Verdict.NONCONFORMANT if failed and not failed.requirements:
                return f"The lock fails a test of no requirement: {failed.title}. {_first_line(failed.message)}"
            case Verdict.NONCONFORMANT if failed:
                told = _first_line(failed.message)
                return f"The lock has failed, but no requirement could be looked at for it. {told}"
        faults = (each.message for each in self.results if each.outcome is Outcome.ERROR)
        why = self.stopped or next(faults, f"Nothing here could look at profile {self.profile}.")
        return f"The bench failed, which says nothing of the firmware. {why}"

    @property
    def _flaky_sentence(self) -> str:
        count = self.counts[Outcome.FLAKY]
        return f"{count} {'test has' if count == 1 else 'tests have'} passed at a later try only." if count else ""

    @property
    def _unseen_sentence(self) -> str:
        unseen = sum(each.kept is Kept.UNSEEN and each.requirement.level is Level.MUST for each in self.judged)
        return "" if self.chosen or not unseen else f"{unseen} MUSTs could not be looked at here."

    def as_json(self) -> dict[str, Any]:
        """Return the report as report.schema.json has it."""
        return {
            "format": FORMAT,
            "verdict": str(self.verdict),
            "exit_code": self.verdict.exit_code,
            "sentence": self.sentence,
            "target": self.place,
            "profile": str(self.profile),
            "seed": self.seed,
            "begun": self.begun,
            "seconds": self.seconds,
            "latchwire": self.version,
            "facts": self.facts,
            "counts": {str(outcome): count for outcome, count in self.counts.items()},
            "requirements": [_requirement_as_json(each) for each in self.judged],
            "tests": [asdict(each) | {"repeat": self.repeat(each)} for each in self.results],
        }

    def repeat(self, result: Result) -> str:
        """Return what runs a test again with what it drew."""
        words = (*filter(None, [self.place]), *self.options, "--repro", f"{self.seed}:{result.id}")
        return f"latchwire conform {shlex.join(words)}"


def held_to(profile: Profile) -> tuple[Requirement, ...]:
    """Return what a lock of a profile has to keep."""
    return tuple(each for each in requirements().values() if each.role is not Role.BRIDGE and each.belongs_to(profile))


def without_digits(text: str) -> str:
    """Return a message without what may be a pin's digits; a port behind its host stays."""
    return _PIN_LIKE.sub(lambda found: found["port"] or HIDDEN, text)


def _judged(requirement: Requirement, results: Iterable[Result]) -> Judged:
    own = tuple(each for each in results if requirement.id in each.requirements)
    return Judged(requirement=requirement, kept=_kept(own), results=own)


def _kept(results: Sequence[Result]) -> Kept:
    if any(each.outcome in (Outcome.FAILED, Outcome.QUARANTINED) and each.began for each in results):
        return Kept.BROKEN
    if any(each.outcome in (Outcome.ERROR, Outcome.FAILED, Outcome.QUARANTINED) for each in results):
        return Kept.UNDECIDED
    return Kept.KEPT if any(each.outcome in (Outcome.PASSED, Outcome.FLAKY) for each in results) else Kept.UNSEEN


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _requirement_as_json(judged: Judged) -> dict[str, Any]:
    told = judged.requirement
    return {
        "id": told.id,
        "section": told.section,
        "level": str(told.level),
        "profile": str(told.profile),
        "text": told.text,
        "kept": str(judged.kept),
        "tests": [each.id for each in judged.results],
    }


def _listed(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:4])
    return shown if len(ids) <= 4 else f"{shown} and {len(ids) - 4} more requirements"
