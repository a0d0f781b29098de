"""Which targets lead to a lock: each gets a hello and nothing else, all at once, within one deadline.

A hello is in clear and names no bridge: what a lock answers is what it says of itself, and proves nothing. On Bluetooth
a lock says as much unasked.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from shlex import quote

from protocol.bluetooth import Advertisement
from protocol.messages.hello import HelloFlag, HelloResponse, Mode

from .engine import Engine
from .errors import LinkLost, LockHeld, Obstacle, Unreachable, UsageError, VersionMismatch
from .handshakes import greet
from .links import Radio, hear, place
from .records import LockRecord

NOBODY = 0
"""The peer id of no bridge: a scan does not say who asks."""
LONGEST = 60.0
"""Seconds that somebody may want to listen for advertisements."""


class Answer(StrEnum):
    """What came of a hello, or that a lock was heard unasked."""

    LOCK = "lock"
    HEARD = "heard"
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
_LIAR = "Several devices say that they are this lock, so all but one lie. Look for one near by that pretends to be it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One target; `lock` is what answered or was heard, `record` what the registry holds of it.

    `rssi` is how strongly it was heard, in dBm. `advice` is a sentence where there is something to do: why none
    answered, or how to pair with a new one.
    """

    target: str
    answer: Answer
    lock: HelloResponse | Advertisement | None = None
    record: LockRecord | None = None
    rssi: int | None = None
    advice: str | None = None

    @property
    def pairing_open(self) -> bool:
        """Whether the lock says that its pairing window is open."""
        return self.lock is not None and HelloFlag.PAIRING_OPEN in self.lock.flags

    @property
    def in_use(self) -> bool:
        """Whether the lock says that it knows a bridge, whichever."""
        return self.lock is not None and HelloFlag.PAIRED in self.lock.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """For how many seconds to listen for advertisements, and by what."""

    seconds: float
    radio: Radio

    @classmethod
    def of(cls, seconds: float, *, adapter: str | None, hci: str | None) -> "Listening":
        """Take what a person asks for, an adapter or an HCI transport among it; raise UsageError."""
        if not 0 < seconds <= LONGEST:
            raise UsageError(f"One can listen for up to {LONGEST:g} seconds, not for {seconds:g}.")
        try:
            return cls(seconds=seconds, radio=Radio(adapter=adapter, hci=hci))
        except ValueError as error:
            raise UsageError(f"There is no such radio: {error}.") from None


async def scan(
    engine: Engine, locks: Sequence[LockRecord], targets: Iterable[str], listening: Listening | None = None
) -> tuple[Found, ...]:
    """Ask all targets at once and return what each answered, in their order, and behind them which locks were heard.

    A place at which a lock is registered is asked as it is registered, for only then its speed is known. Raises
    UsageError for what is no target.
    """
    known = {place(record.target): record for record in locks}
    asked: dict[tuple[str, str], str] = {}
    for target in targets:
        where = place(target)
        asked.setdefault(where, known[where].target if where in known else target)
    asking = [_ask(engine, locks, known.get(at), target) for at, target in asked.items()]
    if listening is None:
        return tuple(await asyncio.gather(*asking))
    answered, heard = await asyncio.gather(asyncio.gather(*asking), _listen(locks, listening))
    return (*answered, *heard)


async def _listen(locks: Sequence[LockRecord], listening: Listening) -> tuple[Found, ...]:
    try:
        heard = await hear(listening.radio, listening.seconds)
    except Unreachable as error:
        return (Found(target="ble", answer=_OBSTACLES[error.obstacle], advice=str(error)),)
    found = tuple(
        replace(_found(locks, each.target, Answer.HEARD, each.advertisement), rssi=each.rssi) for each in heard
    )
    times = Counter(each.target for each in found)
    return tuple(replace(each, advice=_LIAR) if times[each.target] > 1 else each for each in found)


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
    return _found(locks, target, Answer.LOCK, lock)


def _found(locks: Sequence[LockRecord], target: str, answer: Answer, lock: HelloResponse | Advertisement) -> Found:
    record = next((record for record in locks if record.wire_id == lock.lock_id), None)
    how = f"To pair, hold its button for 5 s and run `latchwire pair {quote(target)} --name NAME`."
    return Found(target=target, answer=answer, lock=lock, record=record, advice=None if record else how)


async def _greet(engine: Engine, expected: LockRecord | None, target: str) -> HelloResponse:
    with ExitStack() as owned:
        if expected is not None:  # before the port is opened: whoever holds the lock is told by name
            owned.enter_context(engine.own(expected.wire_id, expected.name))
        wire = await engine.connect(target)
        try:
            return (await greet(wire, Mode.SESSION, NOBODY)).lock
        finally:
            await wire.close()
