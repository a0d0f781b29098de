"""The `scan` command: where locks answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from bridge.errors import Unreachable, UsageError

from .context import service
from .progress import progress


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundView:
    """One target; `lock` is the number that the lock says it has, `name` what the registry calls it."""

    target: str
    answer: str
    lock: str | None
    name: str | None
    pairing_open: bool | None
    in_use: bool | None
    advice: str | None


async def scan(
    *targets: str, ports: Annotated[bool, Parameter(negative="--no-ports")] = True
) -> AsyncIterator[tuple[FoundView, ...]]:
    """Find locks: say hello at every serial port and at each TARGET, and nothing else.

    Parameters
    ----------
    targets
        Where to ask besides: serial:/dev/ttyUSB0?baud=9600 or tcp:HOST:PORT.
    ports
        With --no-ports, ask the given targets alone.
    """
    if not targets and not ports:
        raise UsageError("There is nothing to ask: give a target, or leave --no-ports out.")
    async with service("scan") as bridge, progress("Asking at each target"):
        found = await bridge.scan(targets, ports=ports)
    yield tuple(
        FoundView(
            target=each.target,
            answer=each.answer,
            lock=f"{each.lock.lock_id:08X}" if each.lock else None,
            name=each.record.name if each.record else None,
            pairing_open=each.pairing_open if each.lock else None,
            in_use=each.in_use if each.lock else None,
            advice=each.advice,
        )
        for each in found
    )
    if not found:
        raise Unreachable("This machine has no serial port. Plug the lock's cable in, or give a target: tcp:HOST:PORT.")
    if not any(each.lock for each in found):
        raise Unreachable("No lock answers. See the advice for each target, and try again.")
