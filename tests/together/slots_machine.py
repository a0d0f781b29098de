"""Two bridges, their links, and a lock with its power, clock and keypad, driven at random beside a model of slots."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from copy import deepcopy
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bridge.client import LockClient
from bridge.errors import LinkLost, NotPaired, Refused, Unreachable
from protocol.vocabulary import PinEntry, Rule, Schedule, Weekdays, Window
from tests.together.door import EPOCH, open_door
from tests.together.planned import Fate, Plan, Planned
from tests.together.slots_model import Candidate, KeypadModel, No, Said, SlotsModel
from tests.virtual_time import VirtualLoop, virtual_loop

T = TypeVar("T")


def window(weekdays: int, start: int, end: int) -> Window:
    return Window(weekdays=Weekdays(weekdays), start=start, end=end)


CAPACITY = 3
DAY = 86400
END = EPOCH + 300 * DAY
"""When pins end: so late that no sweep removes any, for expiry has tests of its own."""
DIGITS = ("97531", "86420", "13579", "24680864", "1029384")
SCHEDULES = (
    Schedule(),
    Schedule(valid_from=EPOCH + DAY),
    Schedule(valid_until=END),
    Schedule(windows=(window(127, 480, 1020),)),
    Schedule(windows=(window(32, 1320, 360), window(1, 0, 720))),
)
BAD = tuple(
    Candidate(entry=PinEntry(digits=digits, alias=alias, schedule=schedule), broken=broken)
    for digits, alias, schedule, broken in (
        ("1234", "short", Schedule(), Rule.DIGITS_LENGTH),
        ("9753a", "letter", Schedule(), Rule.DIGITS_DECIMAL),
        ("11111", "one digit", Schedule(), Rule.DIGITS_VARIETY),
        ("12345", "sequence", Schedule(), Rule.DIGITS_SEQUENCE),
        ("97531", "", Schedule(), Rule.ALIAS_LENGTH),
        ("97531", "tab\t", Schedule(), Rule.ALIAS_CONTROL),
        ("97531", "guest", Schedule(valid_from=2, valid_until=1), Rule.VALIDITY_ORDER),
        ("97531", "guest", Schedule(windows=(window(0, 0, 1440),)), Rule.WINDOW_WEEKDAYS),
        ("97531", "guest", Schedule(windows=(window(127, 5, 5),)), Rule.WINDOW_TIMES),
    )
)
ZONES = ("UTC", "Europe/Warsaw", "America/New_York", "Asia/Kathmandu")
TARGETS = ("memory:front", "memory:wire")
"""A connection, which ends with the lock's power, and a wire, which does not."""
ENDS = st.integers(END - 1, END)
EPOCHS = st.integers(EPOCH - 9 * DAY, EPOCH + 9 * DAY)
BRIDGES = st.sampled_from((0, 1))
GOOD = st.builds(
    PinEntry,
    digits=st.sampled_from(DIGITS),
    alias=st.sampled_from(("guest", "Zoë", "a" * 32)),
    enabled=st.sampled_from((True, True, False)),
    schedule=st.sampled_from(SCHEDULES),
).map(lambda entry: Candidate(entry=entry))
CANDIDATES = GOOD | GOOD | st.sampled_from(BAD)
NOT_ASKED = (LinkLost, Unreachable, NotPaired)
"""The last where a lock on a wire forgets a hello with its power: SPEC 4.8 cannot tell that from a key it forgot."""
PATIENCE = st.sampled_from((None, None, 0.05, 0.5, 2))
"""Seconds until a caller gives up; None never does."""


class SlotsMachine(RuleBasedStateMachine):
    """One run: a loop of its own, a lock, and two bridges that it knows, one on a connection and one on a wire."""

    counts: ClassVar[Counter[str]] = Counter()
    """What has come of all the changes and entries of all runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.door = self.run(open_door(slots=CAPACITY))
        self.plan = Plan(lose_power=self.power_is_lost)
        self.keypad = KeypadModel()
        self.door.wrap = lambda link: Planned(link, self.plan)
        self.all_keys = (self.door.keys, self.door.new_keys())
        self.run(self.door.pair(self.all_keys[1]))
        self.clients = [self.door.client(keys) for keys in self.all_keys]
        self.run(self.at_the_lock(1).ping())  # only now does the lock know it for good
        self.model = SlotsModel(capacity=CAPACITY, list_version=self.door.list_version, zone="UTC")

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    def teardown(self) -> None:
        for client in self.clients:
            self.run(client.close())
        self.door.simulator.stop()
        self.runner.close()

    @invariant()
    def the_lock_holds_what_the_model_holds(self) -> None:
        assert self.door.pins == self.model.pins
        assert self.door.list_version == self.model.list_version

    # --- what bridges ask ---

    @rule(who=BRIDGES, wanted=CANDIDATES, patience=PATIENCE)
    def create_another(self, who: int, wanted: Candidate, patience: float | None) -> None:
        self.create(who, wanted, patience)

    @rule(who=BRIDGES, wanted=GOOD, patience=PATIENCE)
    def create(self, who: int, wanted: Candidate, patience: float | None) -> None:
        self.change(
            who,
            lambda client: client.create_pin(wanted.entry),
            lambda model: model.create(who, wanted),
            patience,
        )

    @rule(who=BRIDGES)
    def fill(self, who: int) -> None:
        for digits in DIGITS:
            self.create(who, Candidate(entry=PinEntry(digits=digits, alias="guest")), None)

    @rule(who=BRIDGES, wanted=GOOD)
    def create_without_hearing_of_it(self, who: int, wanted: Candidate) -> None:
        self.read(who, lambda client: client.delete_pin(999))  # from now on a change is one exchange
        self.plan.incoming.extend([Fate.LOST] * 3)
        self.create(who, wanted, 0.5)

    @rule(who=BRIDGES, which=st.integers(0, 9), wanted=CANDIDATES, patience=PATIENCE)
    def update(self, who: int, which: int, wanted: Candidate, patience: float | None) -> None:
        pin_id = self.pick(which)
        self.change(
            who,
            lambda client: client.update_pin(pin_id, wanted.entry),
            lambda model: model.update(who, pin_id, wanted),
            patience,
        )

    @rule(who=BRIDGES, which=st.integers(0, 9), patience=PATIENCE)
    def delete(self, who: int, which: int, patience: float | None) -> None:
        pin_id = self.pick(which)
        self.change(who, lambda client: client.delete_pin(pin_id), lambda model: model.delete(who, pin_id), patience)

    @precondition(lambda self: len(self.model.pins) > 1)
    @rule(who=BRIDGES, patience=PATIENCE)
    def clear(self, who: int, patience: float | None) -> None:
        self.change(who, LockClient.clear_pins, lambda model: model.clear(who), patience)

    @rule(who=BRIDGES, which=st.integers(0, 9))
    def get(self, who: int, which: int) -> None:
        pin_id = self.pick(which)
        assert self.read(who, lambda client: client.get_pin(pin_id)) == self.model.get(pin_id)

    @rule(who=BRIDGES)
    def list_pins(self, who: int) -> None:
        assert self.read(who, LockClient.list_pins) == self.model.list()

    @rule(who=BRIDGES, zone=st.sampled_from(ZONES))
    def set_zone(self, who: int, zone: str) -> None:
        self.read(who, lambda client: client.set_clock(zone, force=True))
        self.model.set_zone(zone)

    # --- what happens at the door, and on the way to it ---

    @rule(digits=st.sampled_from((*DIGITS, "1234", "11111", "123456789")))
    def enter(self, digits: str) -> None:
        async def typed() -> None:
            self.door.simulator.snapshot()  # the lock's clock is not older than this second
            clock = self.door.simulator.device.firmware.clock
            judged = self.model.enter(digits, now=clock.epoch, trusted=clock.trusted)
            decision = self.door.simulator.enter(digits)
            assert decision == self.keypad.enter(judged, virtual_loop().time())
            self.counts["granted" if decision.denial is None else decision.denial.name] += 1

        self.run(typed())

    @precondition(lambda self: self.model.pins)
    @rule(which=st.integers(0, CAPACITY), epoch=EPOCHS | ENDS | st.none())
    def enter_a_pin_at(self, which: int, epoch: int | None) -> None:
        if self.keypad.until is not None:
            self.wait(3600)  # the longest lock-out
        pins = sorted(self.model.pins)
        self.move_the_locks_clock(epoch)
        self.enter(self.model.pins[pins[which % len(pins)]].digits)
        self.move_the_locks_clock(EPOCH)  # before a sweep finds pins that have ended

    @precondition(lambda self: self.keypad.until is None)
    @rule()
    def guess(self) -> None:
        for _ in range(5):
            self.enter("11111")

    @rule()
    def lose_power(self) -> None:
        async def pulled() -> None:
            self.power_is_lost()

        self.run(pulled())

    def power_is_lost(self) -> None:
        self.door.simulator.power_cycle()
        self.keypad.lose_power(virtual_loop().time())

    @rule(epoch=st.none() | EPOCHS)
    def move_the_locks_clock(self, epoch: int | None) -> None:
        async def moved() -> None:
            self.door.simulator.move_clock(epoch)

        self.run(moved())

    @rule(seconds=st.sampled_from((1, 30, 60, 3600, DAY)))
    def wait(self, seconds: int) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(who=BRIDGES)
    def restart_a_bridge(self, who: int) -> None:
        self.run(self.clients[who].close())
        self.clients[who] = self.door.client(self.all_keys[who])

    @rule(
        outgoing=st.lists(st.sampled_from(Fate), max_size=5),
        incoming=st.lists(st.sampled_from([fate for fate in Fate if fate is not Fate.LATE]), max_size=5),
    )
    def plan_trouble(self, outgoing: list[Fate], incoming: list[Fate]) -> None:
        self.plan.outgoing.extend(outgoing)
        self.plan.incoming.extend(incoming)

    # --- how it is asked and compared ---

    def pick(self, which: int) -> int:
        """Return the id of some pin, or one of a removed pin, or one that none ever had."""
        known: tuple[int, ...] = (*sorted(self.model.pins), *range(1, self.model.last_id + 1), 999)
        return known[which % len(known)]

    def read(self, who: int, ask: Callable[[LockClient], Coroutine[Any, Any, T]]) -> T | No:
        """Ask something that may be asked again, until the lock has answered."""

        async def asked() -> T | No:
            in_vain = 0
            while in_vain < 2:  # a link that was cut behind the last answer is found lost once, and then no more
                trouble = self.plan.left
                try:
                    return await ask(self.at_the_lock(who))
                except Refused as refusal:
                    return No(status=refusal.status, rule=refusal.rule)
                except NOT_ASKED:
                    in_vain = 0 if self.plan.left < trouble else in_vain + 1
            raise AssertionError("a whole link, and the lock cannot be asked")

        return self.run(asked())

    def change(
        self,
        who: int,
        ask: Callable[[LockClient], Coroutine[Any, Any, Said]],
        foresee: Callable[[SlotsModel], Said],
        patience: float | None,
    ) -> None:
        """Ask for one change; where its outcome stays unknown, the lock's last operation tells it."""
        after = deepcopy(self.model)
        foreseen = foresee(after)
        said = self.run(self.asked_once(who, ask, patience))
        self.counts[said.status.name if isinstance(said, No) else "unknown" if said is None else "done"] += 1
        if said is not None:
            assert said == foreseen
            self.model = after
        elif self.was_done(who):
            self.counts["unknown and done"] += 1
            assert not isinstance(foreseen, No)
            self.model = after

    async def asked_once(
        self, who: int, ask: Callable[[LockClient], Coroutine[Any, Any, Said]], patience: float | None
    ) -> Said | None:
        """Return what the lock said, or None where nobody knows whether it was asked."""
        try:
            async with asyncio.timeout(patience):
                return await ask(self.at_the_lock(who))
        except Refused as refusal:
            return No(status=refusal.status, rule=refusal.rule)
        except (*NOT_ASKED, TimeoutError):
            return None

    def was_done(self, who: int) -> bool:
        """Ask the lock whether it has made one more change for this bridge than the model knows."""
        told = self.read(who, LockClient.last_operation)
        assert not isinstance(told, No)
        assert told.operation - self.model.operations[who] in (0, 1)
        return bool(told.operation - self.model.operations[who])

    def at_the_lock(self, who: int) -> LockClient:
        """Return a bridge's client, whose next link leads to its own end of the lock."""
        self.door.target = TARGETS[who]
        return self.clients[who]


def run_machine(examples: int, steps: int, seed: int | None = None) -> Counter[str]:
    """Run the machine `examples` times, and count what has come of it.

    Without a seed it is the same each time, and a failure is told as it was found: the search for a shorter one, which
    takes minutes, belongs to runs with a seed.
    """
    SlotsMachine.counts.clear()
    bounded = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=seed is None,
        phases=[Phase.generate] if seed is None else [Phase.generate, Phase.shrink],
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    machine = SlotsMachine if seed is None else hypothesis_seed(seed)(SlotsMachine)
    run_state_machine_as_test(machine, settings=bounded)
    return SlotsMachine.counts
