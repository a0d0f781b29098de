"""Pins: create, get, update, delete, list and clear (SPEC 7.6 to 7.11). Slots limit the count, ids go up."""

import hmac

from protocol.codec import build
from protocol.messages.declaration import Refusal
from protocol.messages.pins import (
    PinClearResponse,
    PinCreateResponse,
    PinDeleteResponse,
    PinGetResponse,
    PinListResponse,
    PinUpdateResponse,
)
from protocol.messages.records import PIN_SUMMARY
from protocol.pin_rules import check_entry
from protocol.vocabulary import LARGEST_PIN_ID, PinEntry, PinSummary, Status

from ..clock import Clock
from ..memory import Memory
from ..records import SLOT_KEYS, Pin

_PAGE_OVERHEAD = 2 + 4 + 1 + 1  # opcode and status, list version, more, count


class Pins:
    """The pins in the first `capacity` slots."""

    __slots__ = ("_clock", "_keys", "_memory")

    def __init__(self, memory: Memory, clock: Clock, capacity: int) -> None:
        self._memory = memory
        self._clock = clock
        self._keys = SLOT_KEYS[:capacity]

    @property
    def used(self) -> int:
        """Slots in use."""
        return sum(1 for _ in self._memory.slots())

    @property
    def capacity(self) -> int:
        """Slots in all."""
        return len(self._keys)

    def matching(self, digits: str) -> Pin | None:
        """Return the pin with these digits. Every slot is visited, whichever matches: time tells nothing."""
        found = None
        for _, pin in self._memory.slots():
            if hmac.compare_digest(pin.entry.digits.encode(), digits.encode()):
                found = pin
        return found

    def create(self, entry: PinEntry) -> PinCreateResponse | Refusal:
        """Stage a new pin in the lowest free slot."""
        if rule := check_entry(entry):
            return Refusal(status=Status.INVALID, rule=rule)
        if self.matching(entry.digits):
            return Refusal(status=Status.EXISTS)
        taken = dict(self._memory.slots())
        if self.used >= self.capacity:
            return Refusal(status=Status.FULL)
        free = next(key for key in self._keys if key not in taken)
        new_id = _next_id(self._memory.ledger.last_id, {pin.id for pin in taken.values()})
        self._memory.stage(free, self._stamped(new_id, entry))
        return PinCreateResponse(id=new_id, list_version=self._memory.stage_change(new_id).list_version)

    def get(self, pin_id: int) -> PinGetResponse | Refusal:
        """Return one pin with its digits."""
        slot = self._slot(pin_id)
        if slot is None:
            return Refusal(status=Status.NOT_FOUND)
        return PinGetResponse(list_version=self._memory.ledger.list_version, entry=slot[1].entry)

    def update(self, pin_id: int, entry: PinEntry) -> PinUpdateResponse | Refusal:
        """Stage a new entry under an old id; digits that the pin has already are no duplicate."""
        slot = self._slot(pin_id)
        if slot is None:
            return Refusal(status=Status.NOT_FOUND)
        if rule := check_entry(entry):
            return Refusal(status=Status.INVALID, rule=rule)
        same = self.matching(entry.digits)
        if same and same.id != pin_id:
            return Refusal(status=Status.EXISTS)
        self._memory.stage(slot[0], self._stamped(pin_id, entry))
        return PinUpdateResponse(list_version=self._memory.stage_change().list_version)

    def delete(self, pin_id: int) -> PinDeleteResponse | Refusal:
        """Stage the removal of one pin."""
        slot = self._slot(pin_id)
        if slot is None:
            return Refusal(status=Status.NOT_FOUND)
        self._memory.stage(slot[0], None)
        return PinDeleteResponse(list_version=self._memory.stage_change().list_version)

    def clear(self) -> PinClearResponse | Refusal:
        """Stage the removal of every pin."""
        for key, _ in self._memory.slots():
            self._memory.stage(key, None)
        return PinClearResponse(list_version=self._memory.stage_change().list_version)

    def page(self, after: int, list_version: int, room: int) -> PinListResponse | Refusal:
        """Return the pins with ids above `after`, as many as fit into a body of `room` bytes."""
        current = self._memory.ledger.list_version
        if list_version not in (0, current):
            return Refusal(status=Status.CHANGED)
        waiting = sorted((_summary(pin) for _, pin in self._memory.slots() if pin.id > after), key=lambda pin: pin.id)
        room -= _PAGE_OVERHEAD
        page: list[PinSummary] = []
        for summary in waiting:
            room -= len(build(PIN_SUMMARY, summary))
            if room < 0:
                break
            page.append(summary)
        return PinListResponse(list_version=current, more=len(page) < len(waiting), pins=tuple(page))

    def _stamped(self, pin_id: int, entry: PinEntry) -> Pin:
        return Pin(id=pin_id, entry=entry, changed=self._clock.epoch if self._clock.trusted else 0)

    def _slot(self, pin_id: int) -> tuple[int, Pin] | None:
        return next(((key, pin) for key, pin in self._memory.slots() if pin.id == pin_id), None)


def _next_id(last: int, taken: set[int]) -> int:
    """Return the id after `last` that no pin has, so that a stale client never meets another guest's pin."""
    candidate = last
    while True:
        candidate = candidate % LARGEST_PIN_ID + 1
        if candidate not in taken:
            return candidate


def _summary(pin: Pin) -> PinSummary:
    entry = pin.entry
    return PinSummary(id=pin.id, alias=entry.alias, enabled=entry.enabled, schedule=entry.schedule)
