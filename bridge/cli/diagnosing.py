"""The `diagnose` command: a checklist of one lock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bridge.diagnosis import Finding

from .bundling import Bundled, make_bundle, require_new
from .context import service
from .exits import INTERNAL, OK, exit_code
from .locks import view as lock_view
from .progress import progress


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One line of the checklist; `exit_code` is 0 but for what has failed."""

    check: str
    level: str
    sentence: str
    exit_code: int

    def __str__(self) -> str:
        return f"{self.level:8} {self.check:13} {self.sentence}"


async def diagnose(lock: str, /, *, bundle: Path | None = None) -> AsyncIterator[FindingView | Bundled]:
    """Check LOCK, from its port to its battery, and say what to do. Nothing is changed at the lock.

    The exit code is 0, with warnings too, or that of the worst failure.

    Parameters
    ----------
    lock
        The lock's name or number.
    bundle
        Make this zip file for whoever helps you: the checklist, what was asked of the lock for it and answered,
        versions, and settings. There are no digits in it, no keys and no tokens.
    """
    from bridge.tracing import KeptTrace  # noqa: PLC0415  it imports the codec

    if bundle is not None:
        require_new(bundle)
    trace = KeptTrace()
    async with service("diagnose", corrects_clocks=False, sinks=[trace]) as bridge:
        record = await bridge.find_lock(lock)
        async with progress("Checking"):
            findings = [view(finding) for finding in await bridge.diagnose(record)]
    for finding in findings:
        yield finding
    if bundle is not None:
        yield make_bundle(bundle, checklist=findings, trace=trace.lines, lock=lock_view(record))


def view(finding: Finding) -> FindingView:
    """Return a finding as people and programs see it."""
    code = OK if finding.error is None else exit_code(finding.error) or INTERNAL
    return FindingView(
        check=finding.check,
        level=finding.level.value,
        sentence=finding.sentence,
        exit_code=code,
    )
