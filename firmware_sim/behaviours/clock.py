"""Setting and telling the clock and the zone (SPEC 7.4, 7.5)."""

from protocol.errors import MalformedError
from protocol.messages.clock import ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.posix_tz import parse_tz
from protocol.vocabulary import ClockState, Rule, Status

from ..clock import Clock
from ..memory import Memory
from ..records import ZONE_KEY, Zone

LARGEST_STEP_BACK = 300
MAX_ZONE_NAME = 64


class ClockKeeping:
    """The clock as bridges see it."""

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock

    @property
    def state(self) -> ClockState:
        """Whether the time is believed."""
        return ClockState.TRUSTED if self._clock.trusted else ClockState.UNTRUSTED

    def tell(self) -> ClockGetResponse:
        """Return time, trust and zone."""
        zone = self._memory.zone
        return ClockGetResponse(state=self.state, time=self._clock.epoch, zone=zone.name, rule=zone.rule)

    def set(self, request: ClockSetRequest) -> ClockSetResponse | Refusal:
        """Stage a zone that is new, and set the clock once it is durable."""
        if rule := self._broken_rule(request):
            return Refusal(status=Status.INVALID, rule=rule)
        zone = Zone(name=request.zone, rule=request.rule)
        ledger = self._memory.ledger
        if zone != self._memory.zone:
            self._memory.stage(ZONE_KEY, zone)
            ledger = self._memory.stage_change()
        self._memory.afterwards(lambda: self._clock.set(request.time))
        return ClockSetResponse(list_version=ledger.list_version)

    def _broken_rule(self, request: ClockSetRequest) -> Rule | None:
        if request.time == 0:
            return Rule.CLOCK_TIME
        if not 1 <= len(request.zone) <= MAX_ZONE_NAME or not request.zone.isprintable():
            return Rule.ZONE_NAME
        try:
            parse_tz(request.rule)
        except MalformedError:
            return Rule.ZONE_RULE
        back = self._clock.epoch - request.time
        if self._clock.trusted and back > LARGEST_STEP_BACK and not request.force:
            return Rule.CLOCK_STEP_BACK
        return None
