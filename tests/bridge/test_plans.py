"""A plan leads from any pins to any wishes, whatever cuts it off, and a lock never has to refuse a step of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.plans import Action, Held, Step, Wanted, additions, plan, repeated
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

DIGITS = ("13579", "24680", "97531", "86420", "10293")
ALIASES = ("Ann", "Bob", "Cy", "Di")
WEEKDAYS = Schedule(windows=(Window(weekdays=Weekdays(31), start=480, end=960),))

entries = st.builds(
    PinEntry,
    digits=st.sampled_from(DIGITS),
    alias=st.sampled_from(ALIASES),
    enabled=st.booleans(),
    schedule=st.sampled_from([Schedule(), WEEKDAYS]),
)
locks = st.lists(entries, unique_by=lambda entry: entry.digits, max_size=4).map(
    lambda found: tuple(Held(id=number, entry=entry) for number, entry in enumerate(found, 1))
)
wish_lists = st.lists(entries, unique_by=lambda entry: entry.digits, max_size=4).map(
    lambda found: tuple(map(wish, found))
)


def wish(entry: PinEntry) -> Wanted:
    """Return the wish for just this pin."""
    return Wanted(digits=entry.digits, alias=entry.alias, enabled=entry.enabled, schedule=entry.schedule)


def pin(digits: str, alias: str, pin_id: int = 0) -> Held:
    """Return a pin that a lock holds."""
    return Held(id=pin_id, entry=PinEntry(digits=digits, alias=alias))


def wanted(digits: str | None, alias: str) -> Wanted:
    """Return a wish for a pin that always opens."""
    return Wanted(digits=digits, alias=alias, enabled=True, schedule=Schedule())


class Slots:
    """A lock's rules alone: so many slots, and no digits twice."""

    def __init__(self, held: tuple[Held, ...], capacity: int) -> None:
        self.pins = {one.id: one.entry for one in held}
        self._capacity = capacity
        self._next = max(self.pins, default=0) + 1

    @property
    def held(self) -> tuple[Held, ...]:
        """What the lock holds."""
        return tuple(Held(id=pin_id, entry=entry) for pin_id, entry in self.pins.items())

    def do(self, step: Step) -> None:
        """Do a step as a lock would, or fail where it would refuse."""
        if step.action is Action.REMOVE:
            assert step.id is not None
            del self.pins[step.id]
        elif step.action is Action.ADD:
            assert step.wanted is not None
            assert len(self.pins) < self._capacity, "full"
            self._store(self._next, step.wanted.entry())
            self._next += 1
        elif step.action is Action.UPDATE:
            assert step.wanted is not None
            assert step.id in self.pins
            self._store(step.id, step.wanted.entry())

    def _store(self, pin_id: int, entry: PinEntry) -> None:
        others = {held.digits for number, held in self.pins.items() if number != pin_id}
        assert entry.digits not in others, "exists"
        self.pins[pin_id] = entry


@given(held=locks, wishes=wish_lists, cuts=st.lists(st.integers(0, 4), max_size=4))
def test_a_plan_reaches_what_is_wished_from_anywhere_whatever_cuts_it_off(
    held: tuple[Held, ...], wishes: tuple[Wanted, ...], cuts: list[int]
) -> None:
    lock = Slots(held, capacity=4)
    for cut in [*cuts, 9]:
        for step in plan(lock.held, wishes, prune=True)[:cut]:
            lock.do(step)
    assert sorted(map(repr, lock.pins.values())) == sorted(repr(one.entry()) for one in wishes)
    assert {entry.digits for entry in lock.pins.values()} == {one.digits for one in wishes}
    assert {step.action for step in plan(lock.held, wishes, prune=True)} <= {Action.KEEP}


@given(held=locks, wishes=wish_lists)
def test_without_prune_nothing_is_removed_and_every_wish_is_reached(
    held: tuple[Held, ...], wishes: tuple[Wanted, ...]
) -> None:
    lock = Slots(held, capacity=8)
    steps = plan(held, wishes, prune=False)
    for step in steps:
        lock.do(step)
    assert {one.entry() for one in wishes} <= set(lock.pins.values())
    assert {one.id for one in held} <= set(lock.pins)
    for step in steps:
        if step.action is Action.SPARE and step.id is not None:
            assert lock.pins[step.id] == step.held


@given(held=locks, wishes=wish_lists, cuts=st.lists(st.integers(0, 3), max_size=4))
def test_a_run_without_prune_that_was_cut_off_ends_as_one_that_was_not(
    held: tuple[Held, ...], wishes: tuple[Wanted, ...], cuts: list[int]
) -> None:
    whole, cut_off = Slots(held, capacity=8), Slots(held, capacity=8)
    for step in plan(held, wishes, prune=False):
        whole.do(step)
    for cut in [*cuts, 9]:
        todo = [step for step in plan(cut_off.held, wishes, prune=False) if step.action in (Action.UPDATE, Action.ADD)]
        for step in todo[:cut]:
            cut_off.do(step)
    assert cut_off.pins == whole.pins


@given(held=locks)
def test_what_a_lock_holds_is_no_change_also_where_pins_share_an_alias(held: tuple[Held, ...]) -> None:
    wishes = tuple(wish(one.entry) for one in held)
    assert {step.action for step in plan(held, wishes, prune=True)} <= {Action.KEEP}


@given(held=locks, wishes=wish_lists)
def test_each_pin_and_each_wish_has_one_step(held: tuple[Held, ...], wishes: tuple[Wanted, ...]) -> None:
    steps = plan(held, wishes, prune=True)
    assert sorted(step.id for step in steps if step.id is not None) == [one.id for one in held]
    assert sorted(step.alias for step in steps if step.wanted) == sorted(one.alias for one in wishes)


def test_removals_come_first_for_a_full_lock_has_no_room_before_them() -> None:
    held = (pin("13579", "Ann", 1), pin("24680", "Bob", 2))
    steps = plan(held, (wanted("97531", "Cy"), wanted("86420", "Bob")), prune=True)
    assert [(step.action, step.id, step.alias) for step in steps] == [
        (Action.REMOVE, 1, "Ann"),
        (Action.UPDATE, 2, "Bob"),
        (Action.ADD, None, "Cy"),
    ]


def test_pins_that_swap_their_digits_swap_their_aliases_instead() -> None:
    held = (pin("13579", "Ann", 1), pin("24680", "Bob", 2))
    steps = plan(held, (wanted("24680", "Ann"), wanted("13579", "Bob")), prune=True)
    assert [(step.id, step.alias, step.changes) for step in steps] == [(2, "Ann", ("alias",)), (1, "Bob", ("alias",))]


@pytest.mark.parametrize(
    ("held", "wishes"),
    [
        ([pin("13579", "Ann", 1), pin("24680", "Ann", 2)], [wanted("97531", "Ann")]),
        ([pin("13579", "Ann", 1)], [wanted("97531", "Ann"), wanted("86420", "Ann")]),
    ],
)
def test_an_alias_that_could_mean_two_pins_names_none(held: list[Held], wishes: list[Wanted]) -> None:
    steps = plan(tuple(held), tuple(wishes), prune=False)
    assert [step.action for step in steps] == [Action.ADD] * len(wishes) + [Action.SPARE] * len(held)


def test_an_alias_names_the_one_pin_of_two_whose_digits_the_wishes_do_not_have() -> None:
    held = (pin("13579", "Ann", 1), pin("24680", "Ann", 2))
    steps = plan(held, (wanted("13579", "Bob"), wanted("97531", "Ann")), prune=True)
    assert [(step.id, step.alias, step.changes) for step in steps] == [(1, "Bob", ("alias",)), (2, "Ann", ("pin",))]


def test_an_update_names_what_changes_and_never_the_digits() -> None:
    new = replace(wanted("97531", "Ann"), enabled=False, schedule=replace(WEEKDAYS, valid_from=1, valid_until=2))
    (step,) = plan((pin("13579", "Ann", 1),), (new,), prune=True)
    assert step.changes == ("pin", "enabled", "from", "until", "windows")
    assert not {"13579", "97531"} & set(repr(step).replace("'", " ").split())


def test_a_wish_without_digits_is_compared_by_its_alias_and_cannot_be_stored() -> None:
    held = (pin("13579", "Ann", 1),)
    assert [step.action for step in plan(held, (wanted(None, "Ann"),), prune=True)] == [Action.KEEP]
    assert [step.action for step in plan(held, (wanted(None, "Bob"),), prune=True)] == [Action.REMOVE, Action.ADD]
    with pytest.raises(ValueError, match="without digits"):
        wanted(None, "Ann").entry()


def test_an_addition_is_kept_only_where_the_lock_holds_just_that() -> None:
    held = (pin("13579", "Ann", 1), pin("24680", "Bob", 2))
    steps = additions(held, (wanted("13579", "Ann"), wanted("24680", "Ann")))
    assert [(step.action, step.id) for step in steps] == [(Action.KEEP, 1), (Action.ADD, None)]


def test_what_is_repeated_is_told_once() -> None:
    assert repeated(["a", "b", "a", "a"]) == {"a"}
