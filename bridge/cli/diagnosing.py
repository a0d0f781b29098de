"""The `diagnose` command: a checklist of one lock."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bridge.diagnosis import Finding

from .context import service
from .exits import INTERNAL, OK, exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One line of the checklist; `exit_code` is 0 but for what has failed."""

    check: str
    level: str
    sentence: str
    exit_code: int

    def __str__(self) -> str:
        return f"{self.level:8} {self.check:13} {self.sentence}"


async def diagnose(lock: str, /) -> AsyncIterator[FindingView]:
    """Check LOCK, from its port to its battery, and say what to do. Nothing is changed at the lock.

    The exit code is 0, with warnings too, or that of the worst failure.

    Parameters
    ----------
    lock
        The lock's name or number.
    """
    async with service("diagnose", corrects_clocks=False) as bridge:
        for finding in await bridge.diagnose(await bridge.find_lock(lock)):
            yield view(finding)


def view(finding: Finding) -> FindingView:
    """Return a finding as people and programs see it."""
    code = OK if finding.error is None else exit_code(finding.error) or INTERNAL
    return FindingView(
        check=finding.check,
        level=finding.level.value,
        sentence=finding.sentence,
        exit_code=code,
    )
