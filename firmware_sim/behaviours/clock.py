"""Setting and telling the clock and the zone (SPEC 7.4, 7.5), and the floor that outlives a lost time (SPEC 8.1)."""

from protocol.errors import MalformedError
from protocol.messages.clock import ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.posix_tz import parse_tz
from protocol.vocabulary import AuditEvent, Cause, ClockState, Rule, Status

from ..clock import DAY, NANOSECONDS, Clock
from ..memory import Memory
from ..records import FLOOR_KEY, ZONE_KEY, Floor, Zone
from .audit import Audit
from .expiry import Expiry

LARGEST_STEP_BACK = 300
SMALL_MOVE = 300
"""Seconds by which the clock may be set to another time without a record, and without a new beginning of expiry."""
FLOOR_SECONDS = DAY
MAX_ZONE_NAME = 64


class ClockKeeping:
    """The clock as bridges see it."""

    __slots__ = ("_audit", "_clock", "_expiry", "_memory", "_not_before_ns")

    def __init__(self, memory: Memory, clock: Clock, audit: Audit, expiry: Expiry) -> None:
        self._memory = memory
        self._clock = clock
        self._audit = audit
        self._expiry = expiry
        self._not_before_ns = 0
        self._judge()

    @property
    def state(self) -> ClockState:
        """Whether the time is believed."""
        return ClockState.TRUSTED if self._clock.trusted else ClockState.UNTRUSTED

    @property
    def wake_ns(self) -> int | None:
        """When the floor is to be moved up, None while the time is not believed."""
        due = self._clock.when(self._memory.floor + FLOOR_SECONDS) if self._clock.trusted else None
        return None if due is None else max(due, self._not_before_ns)

    def stage_floor(self) -> None:
        """Stage the floor where it is a day behind; a flash that does not take it is left alone for another."""
        due = self.wake_ns
        if due is not None and due <= self._clock.now_ns:
            self._not_before_ns = self._clock.now_ns + FLOOR_SECONDS * NANOSECONDS
            self._memory.stage(FLOOR_KEY, Floor(time=self._clock.epoch))

    def show(self, epoch: int) -> None:
        """Take what the real-time clock shows now."""
        self._clock.show(epoch)
        self._judge()

    def _judge(self) -> None:
        """Believe no clock that shows less than was known to be good, nor one whose zone cannot be read."""
        if self._clock.epoch < self._memory.floor or self._memory.zone_is_lost:
            self.lose()

    def lose(self) -> None:
        """Begin again at the floor, and stage the record of it."""
        self._clock.lose(self._memory.floor)
        self._audit.stage(AuditEvent.CLOCK_LOST)

    def tell(self) -> ClockGetResponse:
        """Return time, trust and zone."""
        zone = self._memory.zone
        return ClockGetResponse(state=self.state, time=self._clock.epoch, zone=zone.name, rule=zone.rule)

    def set(self, peer: int, request: ClockSetRequest) -> ClockSetResponse | Refusal:
        """Stage the floor and a zone that is new, and set the clock once they are durable."""
        if rule := self._broken_rule(request):
            return Refusal(status=Status.INVALID, rule=rule)
        zone = Zone(name=request.zone, rule=request.rule)
        moved = abs(request.time - self._clock.epoch) > SMALL_MOVE
        renewed = zone != self._memory.zone or self._memory.zone_is_lost
        if renewed or moved or not self._clock.trusted:
            self._audit.stage(AuditEvent.CLOCK_SET, cause=Cause.REQUEST, peer_id=peer, set_to=request.time)
        ledger = self._memory.ledger
        if renewed:
            self._memory.stage(ZONE_KEY, zone)
            ledger = self._memory.stage_change()
        floor = request.time if request.force else max(request.time, self._memory.floor)
        self._memory.stage(FLOOR_KEY, Floor(time=floor))
        self._memory.afterwards(lambda: self._move(request.time, moved=moved))
        return ClockSetResponse(list_version=ledger.list_version)

    def _move(self, time: int, *, moved: bool) -> None:
        self._clock.set(time)
        if moved:
            self._expiry.begin_anew()

    def _broken_rule(self, request: ClockSetRequest) -> Rule | None:
        if request.time == 0:
            return Rule.CLOCK_TIME
        if not 1 <= len(request.zone) <= MAX_ZONE_NAME or not request.zone.isprintable():
            return Rule.ZONE_NAME
        try:
            parse_tz(request.rule)
        except MalformedError:
            return Rule.ZONE_RULE
        known = self._clock.epoch if self._clock.trusted else self._memory.floor
        if known - request.time > LARGEST_STEP_BACK and not request.force:
            return Rule.CLOCK_STEP_BACK
        return None
