"""What a lock may hold: a dict of pins, and the changes that are under way, each of which has one effect or none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from protocol.vocabulary import PinEntry

Pins = dict[int, PinEntry]


class Violation(AssertionError):
    """The lock or a bridge has broken a promise."""


class Verb(Enum):
    """What a bridge can ask for."""

    CREATE = auto()
    UPDATE = auto()
    DELETE = auto()
    CLEAR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change that a bridge has asked for; its alias or its pin tells it from all others."""

    number: int
    bridge: int
    verb: Verb
    pin_id: int = 0
    entry: PinEntry | None = None

    def __str__(self) -> str:
        return f"{self.verb.name.lower()} {self.number}" + (f" of pin {self.pin_id}" if self.pin_id else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change has done: the pin that it concerned, and the list version that it led to."""

    pin_id: int
    list_version: int


@dataclass(slots=True, kw_only=True)
class Model:
    """One lock. The pins are certain; `open` are the changes that may still have their effect.

    `untold` are those that no bridge has learned the outcome of. A create among them whose pin is cleared is open once
    more, for a bridge that asks for it again finds no pin, and has it made.
    """

    list_version: int
    pins: Pins = field(default_factory=dict)
    last_id: int = 0
    open: list[Change] = field(default_factory=list)
    untold: list[Change] = field(default_factory=list)
    effects: dict[int, Effect] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def asked(self, change: Change) -> None:
        """A bridge is about to send a change."""
        self.open.append(change)
        self.untold.append(change)

    def saw(self, pins: Pins, list_version: int, told: Sequence[Verb] = ()) -> Sequence[Change]:
        """Take what the lock holds now, and return the open changes that explain it; raise Violation for none.

        Where several explain it, those that the lock has `told` of are taken.
        """
        if list_version == self.list_version and pins == self.pins:
            return []
        steps = list_version - self.list_version
        orders = [order for order in self._orders(steps, self.pins, self.last_id, ()) if self._after(order) == pins]
        if not orders:
            raise Violation(f"the lock's pins changed by {steps} list versions, and no open changes explain it")
        taken = next((order for order in orders if [change.verb for change in order] == list(told)), orders[0])
        for change in taken:
            self._take(change)
        return taken

    def opens_as(self, digits: str) -> PinEntry | None:
        """Return the pin that has these digits now."""
        return next((entry for entry in self.pins.values() if entry.digits == digits), None)

    def acknowledged(self, change: Change, list_version: int, pin_id: int | None = None) -> None:
        """A bridge was told that its change is durable."""
        effect = self.effects.get(change.number)
        if effect is None:
            raise Violation(f"{change} was acknowledged and has had no effect")
        if effect.list_version != list_version or pin_id not in (None, effect.pin_id):
            raise Violation(f"{change} was acknowledged as something else than its effect")
        self._tell(change)

    def refused(self, change: Change) -> None:
        """A bridge was told that its change has not been made and will not be."""
        if change not in self.open:
            raise Violation(f"{change} was refused and has had an effect")
        self._tell(change)

    def resolved(self, change: Change, *, made: bool) -> None:
        """A bridge has found out what became of a change whose outcome was unknown."""
        if made is not (change.number in self.effects):
            raise Violation(f"{change} was resolved as {'made' if made else 'not made'}, which is not true")
        self._tell(change)

    def _has_made(self, change: Change, pins: Pins) -> bool:
        effect = self.effects.get(change.number)
        return change.verb is Verb.CREATE and effect is not None and effect.pin_id in pins

    def _orders(self, steps: int, pins: Pins, last_id: int, before: tuple[Change, ...]) -> Iterator[tuple[Change, ...]]:
        if steps <= 0:
            if before and not steps:
                yield before
            return
        for change in self.open:
            if change not in before and _is_possible(change, pins):
                after, new_last = _applied(change, pins, last_id)
                yield from self._orders(steps - 1, after, new_last, (*before, change))

    def _after(self, order: Sequence[Change]) -> Pins:
        pins, last_id = self.pins, self.last_id
        for change in order:
            pins, last_id = _applied(change, pins, last_id)
        return pins

    def _tell(self, change: Change) -> None:
        """Its bridge knows the outcome of a change, and asks for it no more."""
        self.untold.remove(change)
        if change in self.open:
            self.open.remove(change)

    def _take(self, change: Change) -> None:
        old = self.pins
        if change.verb is Verb.CLEAR:
            self.open += [create for create in self.untold if self._has_made(create, old)]
        self.pins, self.last_id = _applied(change, old, self.last_id)
        self.list_version += 1
        self.open.remove(change)
        pin_id = self.last_id if change.verb is Verb.CREATE else change.pin_id
        self.effects[change.number] = Effect(pin_id=pin_id, list_version=self.list_version)
        now = {entry.digits for entry in self.pins.values()}
        self.removed += [entry.digits for entry in old.values() if entry.digits not in now]


def _is_possible(change: Change, pins: Pins) -> bool:
    return change.verb in (Verb.CREATE, Verb.CLEAR) or change.pin_id in pins


def _applied(change: Change, pins: Pins, last_id: int) -> tuple[Pins, int]:
    if change.verb is Verb.CLEAR:
        return {}, last_id
    if change.verb is Verb.DELETE:
        return {pin_id: entry for pin_id, entry in pins.items() if pin_id != change.pin_id}, last_id
    assert change.entry is not None
    if change.verb is Verb.UPDATE:
        return {**pins, change.pin_id: change.entry}, last_id
    return {**pins, last_id + 1: change.entry}, last_id + 1
