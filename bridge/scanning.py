"""Which targets lead to a lock: each gets a hello and nothing else, all at once, within one deadline.

A hello is in clear and names no bridge: what a lock answers is what it says of itself, and proves nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from protocol.messages.hello import HelloFlag, HelloResponse, Mode

from .engine import Engine
from .errors import LinkLost, LockHeld, Obstacle, Unreachable, VersionMismatch
from .handshakes import greet
from .links import place
from .records import LockRecord

NOBODY = 0
"""The peer id of no bridge: a scan does not say who asks."""


class Answer(StrEnum):
    """What came of a hello."""

    LOCK = "lock"
    SILENT = "silent"  # open, and nothing there speaks the protocol
    OTHER_VERSION = "other version"
    HELD = "held"  # another process of this bridge is its owner
    BUSY = "busy"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


_OBSTACLES = {
    Obstacle.BUSY: Answer.BUSY,
    Obstacle.FORBIDDEN: Answer.FORBIDDEN,
    Obstacle.MISSING: Answer.MISSING,
    Obstacle.OTHER: Answer.UNREACHABLE,
    None: Answer.UNREACHABLE,
}
_SILENT = "It opens, but nothing there speaks the protocol. If a lock is there: is it powered, and is the speed right?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One target; `lock` is what answered, `record` what the registry holds of it.

    `advice` is a sentence where there is something to do: why none answered, or how to pair with a new one.
    """

    target: str
    answer: Answer
    lock: HelloResponse | None = None
    record: LockRecord | None = None
    advice: str | None = None

    @property
    def pairing_open(self) -> bool:
        """Whether the lock says that its pairing window is open."""
        return self.lock is not None and HelloFlag.PAIRING_OPEN in self.lock.flags

    @property
    def in_use(self) -> bool:
        """Whether the lock says that it knows a bridge, whichever."""
        return self.lock is not None and HelloFlag.PAIRED in self.lock.flags


async def scan(engine: Engine, locks: Sequence[LockRecord], targets: Iterable[str]) -> tuple[Found, ...]:
    """Ask all targets at once and return what each answered, in their order; raise UsageError for what is no target.

    A place at which a lock is registered is asked as it is registered, for only then its speed is known.
    """
    known = {place(record.target): record for record in locks}
    asked: dict[tuple[str, str], str] = {}
    for target in targets:
        where = place(target)
        asked.setdefault(where, known[where].target if where in known else target)
    asking = [_ask(engine, locks, known.get(at), target) for at, target in asked.items()]
    return tuple(await asyncio.gather(*asking))


async def _ask(engine: Engine, locks: Sequence[LockRecord], expected: LockRecord | None, target: str) -> Found:
    try:
        async with asyncio.timeout(engine.settings.deadline):
            lock = await _greet(engine, expected, target)
    except LockHeld as error:
        return Found(target=target, answer=Answer.HELD, record=expected, advice=str(error))
    except Unreachable as error:
        return Found(target=target, answer=_OBSTACLES[error.obstacle], advice=str(error))
    except VersionMismatch as error:
        return Found(target=target, answer=Answer.OTHER_VERSION, advice=str(error))
    except (LinkLost, TimeoutError):
        return Found(target=target, answer=Answer.SILENT, advice=_SILENT)
    record = next((record for record in locks if record.wire_id == lock.lock_id), None)
    advice = None if record else f"To pair, hold its button for 5 s and run `latchwire pair {target} --name NAME`."
    return Found(target=target, answer=Answer.LOCK, lock=lock, record=record, advice=advice)


async def _greet(engine: Engine, expected: LockRecord | None, target: str) -> HelloResponse:
    with ExitStack() as owned:
        if expected is not None:  # before the port is opened: whoever holds the lock is told by name
            owned.enter_context(engine.own(expected.wire_id, expected.name))
        wire = await engine.connect(target)
        try:
            return (await greet(wire, Mode.SESSION, NOBODY)).lock
        finally:
            await wire.close()
