"""What a lock must answer: one method a request. The simulated lock implements it, the bridge's client mirrors it.

`peer` is the id of the authenticated bridge (SPEC 4.5). A method returns its response once the effect is durable.
"""

from typing import Protocol

from .messages.audit import AuditReadRequest, AuditReadResponse
from .messages.bolt import BoltOperateRequest, BoltOperateResponse
from .messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from .messages.declaration import Refusal
from .messages.device import (
    InfoRequest,
    InfoResponse,
    PingRequest,
    PingResponse,
    StatusRequest,
    StatusResponse,
)
from .messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest, UnpairResponse
from .messages.pins import (
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


class Handler(Protocol):
    """A lock inside an authenticated session."""

    def info(self, peer: int, request: InfoRequest) -> InfoResponse | Refusal:
        """Tell what the lock is (SPEC 7.1)."""

    def status(self, peer: int, request: StatusRequest) -> StatusResponse | Refusal:
        """Tell how the lock is (SPEC 7.2)."""

    def ping(self, peer: int, request: PingRequest) -> PingResponse | Refusal:
        """Give the payload back (SPEC 7.3)."""

    def get_clock(self, peer: int, request: ClockGetRequest) -> ClockGetResponse | Refusal:
        """Tell time, zone and trust (SPEC 7.4)."""

    def set_clock(self, peer: int, request: ClockSetRequest) -> ClockSetResponse | Refusal:
        """Set time and zone, and trust the clock from now on (SPEC 7.5)."""

    def create_pin(self, peer: int, request: PinCreateRequest) -> PinCreateResponse | Refusal:
        """Store a pin and give it an id (SPEC 7.6)."""

    def get_pin(self, peer: int, request: PinGetRequest) -> PinGetResponse | Refusal:
        """Tell one pin with its digits (SPEC 7.7)."""

    def update_pin(self, peer: int, request: PinUpdateRequest) -> PinUpdateResponse | Refusal:
        """Replace one pin (SPEC 7.8)."""

    def delete_pin(self, peer: int, request: PinDeleteRequest) -> PinDeleteResponse | Refusal:
        """Remove one pin (SPEC 7.9)."""

    def list_pins(self, peer: int, request: PinListRequest) -> PinListResponse | Refusal:
        """Tell one page of pins without digits (SPEC 7.10)."""

    def clear_pins(self, peer: int, request: PinClearRequest) -> PinClearResponse | Refusal:
        """Remove every pin (SPEC 7.11)."""

    def last_operation(self, peer: int, request: LastOperationRequest) -> LastOperationResponse | Refusal:
        """Tell the last change of this peer (SPEC 7.12)."""

    def commit_pairing(self, peer: int, request: PairCommitRequest) -> PairCommitResponse | Refusal:
        """Keep the public key of a pairing session as pending (SPEC 7.13)."""

    def unpair(self, peer: int, request: UnpairRequest) -> UnpairResponse | Refusal:
        """Forget the peer (SPEC 7.14)."""

    def operate_bolt(self, peer: int, request: BoltOperateRequest) -> BoltOperateResponse | Refusal:
        """Start the motor once (SPEC 7.15)."""

    def read_audit(self, peer: int, request: AuditReadRequest) -> AuditReadResponse | Refusal:
        """Tell a page of what happened (SPEC 7.16)."""
