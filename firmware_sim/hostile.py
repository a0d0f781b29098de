"""A simulator whose links, flash, clock and processor fail as a plan says; one seed repeats every failure."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from random import Random

from .clock import MAX_TIME
from .failing_flash import FailingFlash, Tear
from .faults import SUBSYSTEMS, ClockKind, CpuKind, Direction, Fault, FlashKind, Kind, LinkKind
from .hostile_link import HostileLink
from .luck import stream
from .simulator import Simulator, Snapshot, Wire

_LATEST_CUT = 64
"""The flash operation in which power goes at the latest, where the plan leaves that to chance."""
_SUBSYSTEM_OF = {kind: name for name, kinds in SUBSYSTEMS.items() for kind in kinds}


class HostileSimulator(Simulator):
    """One lock under a plan; `luck` is the seed of its faults.

    Flash, clock and processor draw from a source each, and each link from two, one a direction.
    """

    def __init__(
        self,
        flash: FailingFlash,
        plan: Sequence[Fault],
        *,
        luck: int,
        slots: int,
        entropy: Callable[[int], bytes] = os.urandom,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(flash, slots=slots, entropy=entropy, now=now)
        self.fired: list[Kind] = []
        """Which faults have struck, in the order in which they did."""
        self._failing = flash
        self._luck = luck
        self._sources = {name: stream(luck, name) for name in SUBSYSTEMS}
        self._links: dict[int, HostileLink] = {}
        self._names = count(1)
        self._waiting: list[tuple[int, bytes]] = []
        self._stall: asyncio.TimerHandle | None = None
        self._by_chance: list[Fault] = []
        self._due_on_links: list[Fault] = []
        self._timers: list[asyncio.TimerHandle] = []
        self.strike(plan)

    def strike(self, plan: Sequence[Fault]) -> None:
        """Let these faults strike, too; `at` counts from now."""
        loop = asyncio.get_running_loop()
        self._by_chance += [fault for fault in plan if fault.at is None]
        self._timers += [loop.call_later(fault.at, self._due, fault) for fault in plan if fault.at is not None]

    def calm(self) -> None:
        """Let nothing more fail from now on; what has failed stays so, and a stall goes on to its end."""
        for timer in self._timers:
            timer.cancel()
        self._by_chance, self._due_on_links, self._timers = [], [], []
        self._failing.disarm()

    def mend(self) -> None:
        """Let nothing more fail, and mend what has: pages, the clock's pace, the processor; lost time stays lost."""
        self.calm()
        self._failing.bad_pages.clear()
        self._failing.endurance = None
        self.drift_clock(0)
        self.keep_busy(0)
        if self._stall:
            self._stall.cancel()
            self._resume()

    def stop(self) -> None:
        """Stop all timers."""
        self.calm()
        if self._stall:
            self._stall.cancel()
        super().stop()

    def attach(self, wire: Wire, *, connection: bool) -> int:
        """Take a link, which fails as the plan says in both directions."""
        name = f"link {next(self._names)}"
        sources = [stream(self._luck, f"{name} {direction}") for direction in Direction]
        link = HostileLink(wire, *sources, connection=connection, strikes=self._strikes, reach=self._reach)
        link.number = super().attach(link, connection=connection)
        self._links[link.number] = link
        return link.number

    def detach(self, number: int) -> None:
        """The other end of a link is gone, and what was under way on it."""
        if link := self._links.pop(number, None):
            link.close()
        super().detach(number)

    def reset(self, number: int) -> None:
        """The other end of a link begins anew, and what was under way to the lock is lost."""
        if link := self._links.get(number):
            link.forget()
        self._waiting = [waiting for waiting in self._waiting if waiting[0] != number]
        super().reset(number)

    def receive(self, number: int, data: bytes) -> None:
        """Bytes came in; before they reach the lock, each fault by chance may strike."""
        for fault in self._by_chance:
            if not isinstance(fault.kind, LinkKind) and self._source(fault).random() < fault.probability:
                self._fire(fault)
        if link := self._links.get(number):
            link.carry_in(data)

    def snapshot(self) -> Snapshot:
        """Return what can be seen of the lock."""
        return replace(super().snapshot(), faults=len(self.fired))

    def _source(self, fault: Fault) -> Random:
        return self._sources[_SUBSYSTEM_OF[fault.kind]]

    def _strikes(self, direction: Direction, luck: Random) -> Sequence[Fault]:
        """Return the faults that strike the piece that comes now; a due one strikes the first that it can."""
        struck = []
        for fault in self._by_chance:
            if isinstance(fault.kind, LinkKind) and fault.direction in (None, direction):
                struck += [fault] if luck.random() < fault.probability else []
        due = [fault for fault in self._due_on_links if fault.direction in (None, direction)]
        self._due_on_links = [fault for fault in self._due_on_links if fault not in due]
        self.fired += [fault.kind for fault in (*struck, *due)]
        return (*struck, *due)

    def _reach(self, number: int, piece: bytes) -> None:
        if self._stall:
            self._waiting.append((number, piece))
        else:
            super().receive(number, piece)

    def _due(self, fault: Fault) -> None:
        if isinstance(fault.kind, LinkKind):
            self._due_on_links.append(fault)
        else:
            self._fire(fault)

    def _fire(self, fault: Fault) -> None:
        self.fired.append(fault.kind)
        match fault.kind:
            case FlashKind():
                self._fail_flash(fault)
            case ClockKind.LOSE:
                self.move_clock(None)
            case ClockKind.STEP:
                self.move_clock(min(max(1, self.snapshot().time + round(fault.seconds)), MAX_TIME))
            case ClockKind.DRIFT:
                self.drift_clock(fault.ppm)
            case CpuKind.BUSY:
                self.keep_busy(fault.seconds)
            case CpuKind.STALL:
                self._stall_for(fault.seconds)
            case CpuKind.RESET:
                self.power_cycle()

    def _fail_flash(self, fault: Fault) -> None:
        luck = self._source(fault)
        match fault.kind:
            case FlashKind.BROWN_OUT:
                operation = luck.randint(1, _LATEST_CUT) if fault.operation is None else fault.operation
                model = luck.choice(list(Tear)) if fault.model is None else fault.model
                self._failing.cut_after(operation, model, luck.getrandbits)
            case FlashKind.BAD_BLOCK:
                self._failing.bad_pages.add(fault.page)
            case FlashKind.WORN:
                self._failing.endurance = fault.erases

    def _stall_for(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self._stall:
            until = max(until, self._stall.when())
            self._stall.cancel()
        self._stall = loop.call_at(until, self._resume)

    def _resume(self) -> None:
        self._stall = None
        waiting, self._waiting = self._waiting, []
        for number, piece in waiting:
            self._reach(number, piece)
