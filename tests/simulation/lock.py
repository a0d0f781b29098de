"""A simulated lock under a fault plan that is looked at after each step: what it holds must have a cause."""

from collections import Counter
from collections.abc import Callable

from firmware_sim.device import Stepped
from firmware_sim.hostile import HostileSimulator
from firmware_sim.records import AUDIT_KEYS
from protocol.vocabulary import AuditEvent, AuditRecord, Cause
from tests.simulation.model import Model, Verb, Violation

EVENTS = {
    Verb.CREATE: AuditEvent.PIN_CREATED,
    Verb.UPDATE: AuditEvent.PIN_UPDATED,
    Verb.DELETE: AuditEvent.PIN_DELETED,
    Verb.CLEAR: AuditEvent.PINS_CLEARED,
}
_VERBS = {event: verb for verb, event in EVENTS.items()}
_MOVED = (AuditEvent.LOCK, AuditEvent.UNLOCK, AuditEvent.PULL)


class WatchedLock(HostileSimulator):
    """A lock whose every step is compared with `model`; what does not fit is kept in `violation`."""

    model: Model | None = None
    note: Callable[[str], None] = staticmethod(lambda _: None)
    violation: Violation | None = None
    cuts: int = 0
    audit: dict[int, AuditRecord]
    """Every audit record that the lock ever had, by its number."""
    moved: Counter[int]
    """How often each peer's requests have moved the bolt, by its id."""

    def watch(self, note: Callable[[str], None]) -> Model:
        """Take the lock as it is, and watch it from now on."""
        memory = self.device.firmware.memory
        pins = {pin.id: pin.entry for _, pin in memory.slots()}
        self.model = Model(list_version=memory.ledger.list_version, pins=pins, last_id=memory.ledger.last_id)
        self.audit = {record.sequence: record for record in self._ring()}
        self.moved = Counter()
        self.note = note
        return self.model

    def move_clock(self, epoch: int | None) -> None:
        """Move the clock; one that has lost its time must not be believed."""
        super().move_clock(epoch)
        if epoch is None and self.snapshot().clock_trusted:
            self.violation = Violation("the lock believes a clock that has lost its time")

    def _let(self, happen: Callable[[], Stepped]) -> Stepped:
        boots = self.device.firmware
        stepped = super()._let(happen)
        if boots is not self.device.firmware:
            self.cuts += 1
            self.note("the lock loses power and starts anew")
        if self.model and not self.violation:
            try:
                self._compare(self.model)
            except Violation as violation:
                self.violation = violation
        return stepped

    def _compare(self, model: Model) -> None:
        """See that each effect has one cause and one record."""
        memory = self.device.firmware.memory
        new = self._new_records()
        told = [record for record in new if record.event in _VERBS]
        pins = {pin.id: pin.entry for _, pin in memory.slots()}
        changes = model.saw(pins, memory.ledger.list_version, [_VERBS[record.event] for record in told])
        for change in changes:
            self.note(f"effect of {change}, list version {model.effects[change.number].list_version}")
        made = [(EVENTS[change.verb], model.effects[change.number].pin_id) for change in changes]
        if [(record.event, record.pin_id) for record in told] != made:
            raise Violation("the audit tells of other changes than were made")
        self.audit |= {record.sequence: record for record in new}
        self.moved.update(record.peer_id for record in new if record.event in _MOVED and record.cause is Cause.REQUEST)

    def _new_records(self) -> list[AuditRecord]:
        """Return the records since the last look; none may be lost, changed or doubled."""
        last = max(self.audit, default=0)
        if self.device.firmware.audit.last == last:
            return []
        ring = self._ring()
        if any(self.audit.get(record.sequence, record) != record for record in ring):
            raise Violation("an audit record has changed")
        new = [record for record in ring if record.sequence not in self.audit]
        if [record.sequence for record in new] != list(range(last + 1, last + 1 + len(new))):
            raise Violation("the audit has a gap, or a number twice")
        return new

    def _ring(self) -> list[AuditRecord]:
        memory = self.device.firmware.memory
        kept = (memory.get(key, AuditRecord) for key in AUDIT_KEYS)
        return sorted((record for record in kept if record), key=lambda record: record.sequence)
