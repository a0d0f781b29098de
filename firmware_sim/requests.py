"""The lock's answers inside a session: implements protocol/handler.py by asking the behaviours."""

from protocol.messages.audit import AuditReadRequest, AuditReadResponse
from protocol.messages.bolt import BoltOperateRequest, BoltOperateResponse
from protocol.messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from protocol.messages.declaration import Refusal
from protocol.messages.device import (
    InfoRequest,
    InfoResponse,
    PingRequest,
    PingResponse,
    StatusRequest,
    StatusResponse,
)
from protocol.messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest, UnpairResponse
from protocol.messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinClearResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinListResponse,
    PinUpdateRequest,
    PinUpdateResponse,
)
from protocol.version import CRC_SIZE, HEADER_SIZE, MAX_VERSION, MIN_VERSION, TAG_SIZE
from protocol.vocabulary import AuditEvent, BoltAction, Capability, Cause, DoorState, Status

from .behaviours.audit import Audit
from .behaviours.battery import Battery
from .behaviours.bolt import Bolt
from .behaviours.clock import ClockKeeping
from .behaviours.operations import Operations
from .behaviours.pairing import PENDING_SECONDS, Pairing
from .behaviours.pins import Pins
from .clock import NANOSECONDS, Clock
from .factory import Factory
from .links import Session
from .memory import Memory

MODEL = "Latchwire Simulated Keypad"
FIRMWARE_VERSION = "0.1.0"
MAX_FRAME = 512
CAPABILITIES = Capability.SCHEDULE | Capability.CLOCK | Capability.BOLT | Capability.BATTERY_LEVEL | Capability.LATCH
SEALED_OVERHEAD = HEADER_SIZE + TAG_SIZE + CRC_SIZE
"""Bytes of a frame around the body that it seals."""

_MOVED = {
    BoltAction.LOCK: AuditEvent.LOCK,
    BoltAction.UNLOCK: AuditEvent.UNLOCK,
    BoltAction.PULL: AuditEvent.PULL,
}


class Requests:
    """One method a request; `session` is the one that the request came in."""

    __slots__ = (
        "_audit",
        "_battery",
        "_bolt",
        "_clock",
        "_factory",
        "_keeping",
        "_memory",
        "_pairing",
        "_pins",
        "operations",
        "session",
    )

    def __init__(
        self,
        factory: Factory,
        memory: Memory,
        clock: Clock,
        pins: Pins,
        pairing: Pairing,
        bolt: Bolt,
        audit: Audit,
        keeping: ClockKeeping,
        battery: Battery,
    ) -> None:
        self._factory = factory
        self._memory = memory
        self._clock = clock
        self._pins = pins
        self._pairing = pairing
        self._bolt = bolt
        self._audit = audit
        self._keeping = keeping
        self._battery = battery
        self.operations = Operations(memory)
        self.session: Session | None = None

    def info(self, peer: int, request: InfoRequest) -> InfoResponse | Refusal:
        """Tell what the lock is; from now on this session's frames may be as long as told."""
        del peer, request
        if self.session:
            self.session.max_frame = MAX_FRAME
        return InfoResponse(
            lock_id=self._factory.lock_id,
            min_version=MIN_VERSION,
            max_version=MAX_VERSION,
            model=MODEL,
            serial=self._factory.serial,
            firmware_version=FIRMWARE_VERSION,
            capacity=self._pins.capacity,
            max_frame=MAX_FRAME,
            capabilities=CAPABILITIES,
        )

    def status(self, peer: int, request: StatusRequest) -> StatusResponse | Refusal:
        """Tell how the lock is; this one has no door contact."""
        del peer, request
        return StatusResponse(
            list_version=self._memory.ledger.list_version,
            used=self._pins.used,
            clock=self._keeping.state,
            time=self._clock.epoch,
            battery=self._battery.level,
            bolt=self._bolt.state,
            door=DoorState.UNKNOWN,
            jammed=self._bolt.jammed,
        )

    def ping(self, peer: int, request: PingRequest) -> PingResponse | Refusal:
        """Give the payload back."""
        del peer
        return PingResponse(payload=request.payload)

    def get_clock(self, peer: int, request: ClockGetRequest) -> ClockGetResponse | Refusal:
        """Tell time, zone and trust."""
        del peer, request
        return self._keeping.tell()

    def set_clock(self, peer: int, request: ClockSetRequest) -> ClockSetResponse | Refusal:
        """Set time and zone."""
        return self._keeping.set(peer, request)

    def create_pin(self, peer: int, request: PinCreateRequest) -> PinCreateResponse | Refusal:
        """Store a pin."""
        answer = self._pins.create(request.entry)
        if isinstance(answer, PinCreateResponse):
            self._stage_audit(AuditEvent.PIN_CREATED, peer, answer.id)
        return answer

    def get_pin(self, peer: int, request: PinGetRequest) -> PinGetResponse | Refusal:
        """Tell one pin."""
        del peer
        return self._pins.get(request.id)

    def update_pin(self, peer: int, request: PinUpdateRequest) -> PinUpdateResponse | Refusal:
        """Replace one pin."""
        self._stage_audit(AuditEvent.PIN_UPDATED, peer, request.id)
        return self._pins.update(request.id, request.entry)

    def delete_pin(self, peer: int, request: PinDeleteRequest) -> PinDeleteResponse | Refusal:
        """Remove one pin."""
        self._stage_audit(AuditEvent.PIN_DELETED, peer, request.id)
        return self._pins.delete(request.id)

    def list_pins(self, peer: int, request: PinListRequest) -> PinListResponse | Refusal:
        """Tell one page, as long as this session's frames may be."""
        del peer
        return self._pins.page(request.after, request.list_version, self._room)

    def clear_pins(self, peer: int, request: PinClearRequest) -> PinClearResponse | Refusal:
        """Remove every pin."""
        del request
        self._stage_audit(AuditEvent.PINS_CLEARED, peer)
        return self._pins.clear()

    def last_operation(self, peer: int, request: LastOperationRequest) -> LastOperationResponse | Refusal:
        """Tell the peer's last change."""
        del request
        index = self._pairing.index_of(peer)
        return Refusal(status=Status.DENIED) if index is None else self.operations.told(index)

    def commit_pairing(self, peer: int, request: PairCommitRequest) -> PairCommitResponse | Refusal:
        """Keep the key that the pairing handshake has shown, as pending."""
        del peer, request
        now_ns = self._clock.now_ns
        if self.session is None or now_ns - self.session.born_ns >= PENDING_SECONDS * NANOSECONDS:
            return Refusal(status=Status.DENIED)
        return self._pairing.offer(self.session.public_key, now_ns)

    def unpair(self, peer: int, request: UnpairRequest) -> UnpairResponse | Refusal:
        """Forget the peer and what it did last."""
        del request
        index = self._pairing.index_of(peer)
        if index is None:
            return Refusal(status=Status.DENIED)
        self._pairing.stage_forgotten(index)
        self.operations.stage_forgotten(index)
        self._stage_audit(AuditEvent.PEER_REMOVED, peer)
        return UnpairResponse()

    def operate_bolt(self, peer: int, request: BoltOperateRequest) -> BoltOperateResponse | Refusal:
        """Start the motor, once this request is recorded."""
        begins = self._bolt.begins(request.action)
        if begins is None:
            return Refusal(status=Status.BUSY)
        if begins is not self._bolt.state:
            self._stage_audit(_MOVED[request.action], peer)
        self._memory.afterwards(lambda: self._bolt.operate(request.action, self._clock.now_ns))
        return BoltOperateResponse(bolt=begins)

    def read_audit(self, peer: int, request: AuditReadRequest) -> AuditReadResponse | Refusal:
        """Tell one page, as long as this session's frames may be."""
        del peer
        return self._audit.page(request.after, self._room)

    @property
    def _room(self) -> int:
        """How long a body may be."""
        return (self.session.max_frame if self.session else 0) - SEALED_OVERHEAD

    def _stage_audit(self, event: AuditEvent, peer: int, pin_id: int = 0) -> None:
        """Stage what a request is about to do; a refusal takes it back with everything else."""
        self._audit.stage(event, cause=Cause.REQUEST, pin_id=pin_id, peer_id=peer)
