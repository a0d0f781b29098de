"""What a lock's pins should be (SPEC 7.6 to 7.11) and its keypad (8.2, 8.4), without flash, frames or sessions."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bridge.client import PinList
from firmware_sim.keypad import Decision
from protocol.messages.pins import (
    PinClearResponse,
    PinCreateResponse,
    PinDeleteResponse,
    PinGetResponse,
    PinUpdateResponse,
)
from protocol.vocabulary import Denial, PinEntry, PinSummary, Rule, Status
from tests.protocol.schedule_oracle import expected_denial


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pin that somebody wants, and the first rule that it breaks."""

    entry: PinEntry
    broken: Rule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """The lock refuses."""

    status: Status
    rule: Rule | None = None


Said = PinCreateResponse | PinUpdateResponse | PinDeleteResponse | PinClearResponse | PinGetResponse | PinList | No


@dataclass(slots=True, kw_only=True)
class SlotsModel:
    """A lock's pins by id; `operations` counts what each bridge has changed."""

    capacity: int
    list_version: int
    zone: str
    pins: dict[int, PinEntry] = field(default_factory=dict)
    last_id: int = 0
    operations: list[int] = field(default_factory=lambda: [0, 0])

    def create(self, who: int, wanted: Candidate) -> Said:
        """Give the pin the next id."""
        if wanted.broken is not None:
            return No(status=Status.INVALID, rule=wanted.broken)
        if self._id_of(wanted.entry.digits) is not None:
            return No(status=Status.EXISTS)
        if len(self.pins) == self.capacity:
            return No(status=Status.FULL)
        self.last_id += 1
        self.pins[self.last_id] = wanted.entry
        return PinCreateResponse(id=self.last_id, list_version=self._moved(who))

    def update(self, who: int, pin_id: int, wanted: Candidate) -> Said:
        """Replace a pin."""
        if pin_id not in self.pins:
            return No(status=Status.NOT_FOUND)
        if wanted.broken is not None:
            return No(status=Status.INVALID, rule=wanted.broken)
        if self._id_of(wanted.entry.digits) not in (None, pin_id):
            return No(status=Status.EXISTS)
        self.pins[pin_id] = wanted.entry
        return PinUpdateResponse(list_version=self._moved(who))

    def delete(self, who: int, pin_id: int) -> Said:
        """Remove a pin."""
        if self.pins.pop(pin_id, None) is None:
            return No(status=Status.NOT_FOUND)
        return PinDeleteResponse(list_version=self._moved(who))

    def clear(self, who: int) -> Said:
        """Remove every pin."""
        self.pins.clear()
        return PinClearResponse(list_version=self._moved(who))

    def get(self, pin_id: int) -> Said:
        """Tell a pin."""
        entry = self.pins.get(pin_id)
        return (
            No(status=Status.NOT_FOUND)
            if entry is None
            else PinGetResponse(list_version=self.list_version, entry=entry)
        )

    def list(self) -> Said:
        """Tell all pins but their digits."""
        pins = [
            PinSummary(id=pin_id, alias=entry.alias, enabled=entry.enabled, schedule=entry.schedule)
            for pin_id, entry in sorted(self.pins.items())
        ]
        return PinList(list_version=self.list_version, pins=tuple(pins))

    def set_zone(self, zone: str) -> None:
        """Take another zone; the same one again is no change."""
        self.list_version += zone != self.zone
        self.zone = zone

    def enter(self, digits: str, *, now: int, trusted: bool) -> Decision:
        """Decide an entry at the keypad, by what the lock's clock shows."""
        if not (digits.isdecimal() and 5 <= len(digits) <= 8):
            return Decision(granted=False, denial=Denial.MALFORMED)
        pin_id = self._id_of(digits)
        if pin_id is None:
            return Decision(granted=False, denial=Denial.UNKNOWN)
        entry = self.pins[pin_id]
        denial = expected_denial(entry.schedule, now, ZoneInfo(self.zone), trusted=trusted)
        denial = denial if entry.enabled else Denial.DISABLED
        return Decision(granted=denial is None, pin_id=pin_id, denial=denial)

    def _id_of(self, digits: str) -> int | None:
        return next((pin_id for pin_id, entry in self.pins.items() if entry.digits == digits), None)

    def _moved(self, who: int) -> int:
        self.operations[who] += 1
        self.list_version += 1
        return self.list_version


@dataclass(slots=True, kw_only=True)
class KeypadModel:
    """The lock-out after wrong entries; times are in virtual seconds."""

    wrong: int = 0
    lockouts: int = 0
    until: float | None = None

    def enter(self, judged: Decision, at: float) -> Decision:
        """Return what the keypad answers at `at` to an entry that is `judged` so by itself."""
        if self.until is not None and at < self.until:
            return Decision(granted=False, denial=Denial.LOCKED_OUT)
        self.until = None
        if judged.granted:
            self.wrong = self.lockouts = 0
        self.wrong += judged.denial is Denial.UNKNOWN
        if self.wrong == 5:
            self.wrong, self.lockouts = 0, self.lockouts + 1
            self.until = at + self._length
        return judged

    def lose_power(self, at: float) -> None:
        """Begin a lock-out anew where one runs."""
        if self.until is not None and at < self.until:
            self.until = at + self._length

    @property
    def _length(self) -> int:
        return (60, 120, 240, 480, 960, 1920, 3600)[min(self.lockouts, 7) - 1]
