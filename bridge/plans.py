"""From the pins that a lock holds to those that it should hold: a plan of single steps, pure, without any I/O.

Pins are known again by their digits first, and what is left by its alias, where that can mean one pin alone. A lock
holds no digits twice, nor does a list of wishes, so no step ever needs digits that another slot still has: any order
works, also where two pins swap digits. Removals come first, for a full lock has no room before them.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from protocol.vocabulary import PinEntry, Schedule


class Action(StrEnum):
    """What a step does with one slot."""

    REMOVE = "remove"
    UPDATE = "update"
    ADD = "add"
    KEEP = "keep"
    SPARE = "spare"  # a pin that nobody wished for, left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A pin that the lock holds."""

    id: int
    entry: PinEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A pin that the lock should hold; with `digits` None it may have any, but then it can only be compared."""

    digits: str | None = field(repr=False)
    alias: str
    enabled: bool
    schedule: Schedule

    def over(self, held: PinEntry) -> PinEntry:
        """Return `held` as it should be; digits that are not told stay."""
        return replace(
            held, digits=self.digits or held.digits, alias=self.alias, enabled=self.enabled, schedule=self.schedule
        )

    def entry(self) -> PinEntry:
        """Return the whole pin; raise ValueError where its digits are not told."""
        if self.digits is None:
            raise ValueError("a pin without digits cannot be stored")
        return PinEntry(digits=self.digits, alias=self.alias, enabled=self.enabled, schedule=self.schedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One slot's part of a plan: `id` and `held` are of the pin there is, `wanted` is what it should become."""

    action: Action
    id: int | None = None
    held: PinEntry | None = None
    wanted: Wanted | None = None

    @property
    def alias(self) -> str:
        """The pin's alias, the new one where it changes."""
        known = self.wanted or self.held
        return known.alias if known else ""

    @property
    def changes(self) -> tuple[str, ...]:
        """What an update changes, by the names of a pin file's columns; never the digits themselves."""
        if self.held is None or self.wanted is None:
            return ()
        old, new = self.held, self.wanted.over(self.held)
        pairs = (
            ("alias", old.alias, new.alias),
            ("pin", old.digits, new.digits),
            ("enabled", old.enabled, new.enabled),
            ("from", old.schedule.valid_from, new.schedule.valid_from),
            ("until", old.schedule.valid_until, new.schedule.valid_until),
            ("windows", old.schedule.windows, new.schedule.windows),
        )
        return tuple(name for name, before, after in pairs if before != after)


def plan(held: tuple[Held, ...], wishes: tuple[Wanted, ...], *, prune: bool) -> tuple[Step, ...]:
    """Return the steps from `held` to `wishes`, in the order in which they are carried out.

    No digits may occur twice among the wishes, nor an alias that a wish without digits has. What nobody wished for is
    removed with `prune`, spared without.
    """
    matches = _match(held, wishes)
    partners = set(matches.values())
    rest = Action.REMOVE if prune else Action.SPARE
    unwished = [Step(action=rest, id=pin.id, held=pin.entry) for pin in held if pin not in partners]
    steps = [*unwished, *(_step(matches.get(number), wish) for number, wish in enumerate(wishes))]
    return tuple(sorted(steps, key=lambda step: list(Action).index(step.action)))


def additions(held: tuple[Held, ...], wishes: tuple[Wanted, ...]) -> tuple[Step, ...]:
    """Return one step for each wish: KEEP where the lock holds just that, ADD otherwise."""
    ids = {pin.entry: pin.id for pin in held}
    found = [(wish, ids.get(wish.entry())) for wish in wishes]
    return tuple(Step(action=Action.ADD if at is None else Action.KEEP, id=at, wanted=wish) for wish, at in found)


def repeated(values: list[str]) -> set[str]:
    """Return what occurs more than once."""
    return {value for value, count in Counter(values).items() if count > 1}


def _match(held: tuple[Held, ...], wishes: tuple[Wanted, ...]) -> dict[int, Held]:
    """Return the pin that becomes each wish, by the wish's place.

    An alias counts where one wish alone has it, and one alone of the pins whose digits nobody wishes for: as long as
    nothing is removed, a step settles such a pair or leaves it as it was, so a run that was cut off has the same end.
    """
    by_digits = {pin.entry.digits: pin for pin in held}
    found = {
        number: by_digits[wish.digits]
        for number, wish in enumerate(wishes)
        if wish.digits is not None and wish.digits in by_digits
    }
    left = [pin for pin in held if pin not in found.values()]
    by_alias = {pin.entry.alias: pin for pin in left}
    for alias in repeated([pin.entry.alias for pin in left]) | repeated([wish.alias for wish in wishes]):
        by_alias.pop(alias, None)
    named = {number: by_alias[wish.alias] for number, wish in enumerate(wishes) if wish.alias in by_alias}
    return named | found


def _step(partner: Held | None, wish: Wanted) -> Step:
    if partner is None:
        return Step(action=Action.ADD, wanted=wish)
    same = wish.over(partner.entry) == partner.entry
    return Step(action=Action.KEEP if same else Action.UPDATE, id=partner.id, held=partner.entry, wanted=wish)
