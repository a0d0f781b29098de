"""A lock, some bridges and a hand at the keypad, in virtual time; everything that happens is drawn from one seed.

First faults strike, and what the lock holds is compared with a model after each of its steps (safety). Then they end,
and everybody must come to agree within a bounded time (liveness).
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from bridge.links import MemoryHub
from bridge.records import LockRecord, PairingState
from bridge.store.keys import BridgeKeys
from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.faults import ClockKind, CpuKind, Fault, FlashKind, Kind, LinkKind
from firmware_sim.flash import NorFlash
from firmware_sim.keypad import Decision
from firmware_sim.luck import stream
from hil.bench.inprocess import InProcessLock
from protocol.vocabulary import AuditEvent, Denial
from tests.protocol.schedule_oracle import expected_denial
from tests.simulation.bridges import ZONE, Bridge
from tests.simulation.keypad import KeypadCount
from tests.simulation.lock import WatchedLock
from tests.simulation.model import Model, Violation
from tests.together.door import EPOCH, Door, WiredLock
from tests.virtual_time import run, virtual_loop

MOST_BRIDGES = 3
"""As many as a lock has links."""
LIVENESS = 90
"""Virtual seconds within which all must agree once nothing fails any more."""
LATEST = 10
"""Seconds by which a frame is late at most, and with it a clock that it sets."""
_EDGES = (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC))
STARTS = (EPOCH, *(round(edge.timestamp()) - 30 for edge in _EDGES))
"""When worlds begin: at an hour like others, or half a minute before the clocks of ZONE change."""


class World:
    """One run. `trace` tells what happened, a line for each thing, without digits."""

    def __init__(self, seed: int, *, bridges: int, steps: int, plan: Sequence[Fault] | None = None) -> None:
        self.seed = seed
        self.slots = 6
        self.restarts = 0.15
        self.keypad = KeypadCount()
        self.numbers = count(1)
        self.count: Counter[str] = Counter()
        self.trace: list[str] = []
        self._steps = steps
        self._failures: list[dict[str, Any]] = []
        flash, record, keys = prepare()
        luck = stream(seed, "world")
        self._start = luck.choice(STARTS)
        self.lock = WatchedLock(
            FailingFlash(copy.deepcopy(flash)),
            random_plan(luck) if plan is None else plan,
            luck=seed,
            slots=self.slots,
            entropy=stream(seed, "lock").randbytes,
            now=virtual_loop().now_ns,
        )
        self.hub = MemoryHub()
        self.hub.ends["connection"] = InProcessLock(self.lock)
        self.hub.ends["wire"] = WiredLock(self.lock)
        self.model: Model = self.lock.watch(self.note)
        self._hand = stream(seed, "hand")
        self.bridges = [
            Bridge(
                self,
                number,
                replace(record, target="memory:wire" if number == 1 else "memory:connection"),
                keys[number],
                stream(seed, f"bridge {number}"),
            )
            for number in range(bridges)
        ]

    def epoch(self) -> float:
        """Return the true time."""
        return self._start + virtual_loop().time()

    def note(self, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append(f"{virtual_loop().time():.6f} {what}")

    @property
    def hash(self) -> str:
        """What tells two runs apart."""
        return sha256("\n".join(self.trace).encode()).hexdigest()

    async def live(self) -> None:
        """Run both phases; raise Violation, or what the lock's own loop has failed with."""
        virtual_loop().set_exception_handler(lambda _, context: self._failures.append(context))
        try:
            await self._be_safe()
            self.lock.calm()
            self.note("nothing fails any more")
            async with asyncio.timeout(LIVENESS):
                await self._converge()
        except TimeoutError:
            raise Violation(f"bridges and lock have not come to agree within {LIVENESS} s") from None
        finally:
            self.lock.stop()
            for bridge in self.bridges:
                await bridge.close()
        self._look()

    async def _be_safe(self) -> None:
        hand = asyncio.create_task(self._type_on())
        lives = [asyncio.create_task(bridge.live(self._steps)) for bridge in self.bridges]
        try:
            await asyncio.gather(*lives)
        finally:
            for task in (hand, *lives):
                task.cancel()
            await asyncio.gather(hand, *lives, return_exceptions=True)
        if hand.done() and not hand.cancelled() and (error := hand.exception()):
            raise error
        self._look()

    async def _converge(self) -> None:
        await asyncio.sleep(10)  # a stall or a busy spell may go on for a while
        for bridge in self.bridges:
            await bridge.converge(force_clock=ClockKind.STEP in self.lock.fired)
            self._look()
        seen = self.lock.snapshot()
        if not seen.clock_trusted or abs(seen.time - self.epoch()) > 3:
            raise Violation("the lock's clock is not right again")
        if self.model.open:
            raise Violation(f"{len(self.model.open)} changes have no outcome")

    def _look(self) -> None:
        for context in self._failures:
            raise context.get("exception") or Violation(context["message"])
        if self.lock.violation:
            raise self.lock.violation

    async def _type_on(self) -> None:
        while True:
            await asyncio.sleep(self._hand.expovariate(0.5))
            self._type(self._digits())
            self._look()

    def _digits(self) -> str:
        now = [entry.digits for entry in self.model.pins.values()]
        pools = [pool for pool in (now, now, self.model.removed, ["97531"]) if pool]
        return self._hand.choice(self._hand.choice(pools))

    def _type(self, digits: str) -> None:
        """Type digits, and judge by calendar and model whether the lock should open."""
        seen = self.lock.snapshot()
        if seen.clock_trusted and not set(ClockKind) & set(self.lock.fired) and abs(seen.time - self.epoch()) > LATEST:
            raise Violation("a clock that nothing has happened to is wrong")
        self.keypad.see(seen, virtual_loop().time())
        entry = self.model.opens_as(digits)
        recorded = max(self.lock.audit, default=0)
        try:
            decision = self.lock.enter(digits)
        except PowerCut:
            self.note("the lock loses power over an entry")
            self.keypad.cut(known=entry is not None, now=virtual_loop().time())
            return
        if seen.locked_out:
            expected: Denial | None = Denial.LOCKED_OUT
        elif entry is None:
            expected = Denial.UNKNOWN
        else:
            expected = expected_denial(entry.schedule, seen.time, ZoneInfo(ZONE), trusted=seen.clock_trusted)
        self.count["entries"] += 1
        self.note(f"entry: {_named(decision.denial)}")
        if decision.denial is not expected or decision.granted is not (expected is None):
            raise Violation(f"an entry was {_named(decision.denial)} and should have been {_named(expected)}")
        if not seen.locked_out:
            self.keypad.entered(decision.denial, virtual_loop().time())
            self._see_the_record(decision, recorded)
        self.keypad.see(self.lock.snapshot(), virtual_loop().time())

    def _see_the_record(self, decision: Decision, before: int) -> None:
        """See that an entry which was looked at has left its record."""
        event = AuditEvent.ENTRY_GRANTED if decision.granted else AuditEvent.ENTRY_DENIED
        told = (event, decision.denial or 0, decision.pin_id or 0)
        new = [record for number, record in self.lock.audit.items() if number > before]
        if told not in [(record.event, record.detail, record.pin_id) for record in new]:
            raise Violation(f"an entry that was {_named(decision.denial)} has left no record")


def _named(denial: Denial | None) -> str:
    return "granted" if denial is None else f"denied as {denial.name}"


def random_plan(luck: Random) -> list[Fault]:
    """Draw how hostile a world is: which faults there are, and how often each strikes."""
    plan = []
    if luck.random() < 0.5:  # a link that takes its time, so that bridges are killed in the midst of an exchange
        plan.append(Fault(kind=LinkKind.LATE, probability=1, seconds=luck.uniform(0.005, 0.25)))
    for kind, most, values in _MENU:
        if luck.random() < 0.5:
            drawn = {name: luck.uniform(*span) for name, span in values.items()}
            sizes = {name: round(value) for name, value in drawn.items() if name != "seconds"}
            plan.append(Fault(kind=kind, probability=luck.uniform(0, most), **{**drawn, **sizes}))  # type: ignore[arg-type]
    return plan


_MENU: tuple[tuple[Kind, float, dict[str, tuple[float, float]]], ...] = (
    (LinkKind.DROP, 0.1, {}),
    (LinkKind.DUPLICATE, 0.1, {}),
    (LinkKind.REORDER, 0.05, {}),
    (LinkKind.BIT_FLIP, 0.05, {}),
    (LinkKind.TRUNCATE, 0.05, {}),
    (LinkKind.COALESCE, 0.05, {}),
    (LinkKind.SPLIT, 0.2, {"size": (1, 40)}),
    (LinkKind.LATE, 0.1, {"seconds": (0.01, 3)}),
    (LinkKind.DISCONNECT, 0.03, {}),
    (FlashKind.BROWN_OUT, 0.05, {}),
    (ClockKind.LOSE, 0.01, {}),
    (ClockKind.STEP, 0.01, {"seconds": (-7200, 7200)}),
    (ClockKind.DRIFT, 0.05, {"ppm": (-100, 100)}),
    (CpuKind.BUSY, 0.01, {"seconds": (0.1, 3)}),
    (CpuKind.STALL, 0.01, {"seconds": (0.1, 5)}),
    (CpuKind.RESET, 0.01, {}),
)


@cache
def prepare() -> tuple[NorFlash, LockRecord, tuple[BridgeKeys, ...]]:
    """Return the flash of a lock that knows as many bridges as it has links, and what the bridges know.

    They are made once, in a loop of their own: no other one may run.
    """

    async def pair() -> tuple[NorFlash, LockRecord, tuple[BridgeKeys, ...]]:
        door = Door(slots=6, seed=1)
        keys = tuple(door.new_keys() for _ in range(MOST_BRIDGES))
        for each in keys:
            await door.pair(each)
            client = door.client(each)
            await client.set_clock(ZONE, force=True)
            await client.close()
        door.simulator.stop()
        record = LockRecord(
            id=1, name="front", target="memory:connection", wire_id=door.known.wire_id,
            public_key=door.known.public_key, state=PairingState.PAIRED, zone=ZONE, version=1,
        )  # fmt: skip
        return door.flash, record, keys

    return run(pair())


def simulate(seed: int, *, bridges: int = 2, steps: int = 12, plan: Sequence[Fault] | None = None) -> World:
    """Let a world live in a virtual loop of its own; raise Violation, with the world's trace in its notes."""
    made: list[World] = []
    prepare()

    async def main() -> World:
        made.append(World(seed, bridges=bridges, steps=steps, plan=plan))
        await made[0].live()
        return made[0]

    try:
        return run(main())
    except Exception as error:
        for line in made[0].trace if made else ():
            error.add_note(line)
        raise
