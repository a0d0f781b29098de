"""Exactly once: the last operation of each peer, recorded together with its effect (SPEC 6.5)."""

from protocol.codec import next_operation
from protocol.messages.declaration import Refusal
from protocol.messages.pins import FINGERPRINT_SIZE, LastOperationResponse
from protocol.vocabulary import Status

from ..memory import Memory
from ..records import OPERATION_KEYS, Operation

_NONE = Operation(operation=0, fingerprint=bytes(FINGERPRINT_SIZE), response=b"")


class Operations:
    """What each peer changed last; `index` is the peer's place among the lock's peers."""

    __slots__ = ("_memory",)

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def last(self, index: int) -> Operation:
        """Return the peer's last operation; operation 0 where it made none."""
        return self._memory.get(OPERATION_KEYS[index], Operation) or _NONE

    def told(self, index: int) -> LastOperationResponse:
        """Return the same, as the wire tells it."""
        last = self.last(index)
        return LastOperationResponse(operation=last.operation, fingerprint=last.fingerprint, response=last.response)

    def judge(self, index: int, operation: int, fingerprint: bytes) -> bytes | Refusal | None:
        """Return None for a new operation, the recorded answer of a repeated one, a refusal for any other."""
        last = self.last(index)
        if operation == last.operation and operation != 0:
            return last.response if fingerprint == last.fingerprint else Refusal(status=Status.CONFLICT)
        return None if operation == next_operation(last.operation) else Refusal(status=Status.STALE)

    def stage(self, index: int, operation: int, fingerprint: bytes, response: bytes) -> None:
        """Stage the result beside the effect, so that both are durable at once."""
        record = Operation(operation=operation, fingerprint=fingerprint, response=response)
        self._memory.stage(OPERATION_KEYS[index], record)

    def stage_forgotten(self, index: int) -> None:
        """Stage the removal of what the peer at `index` did last."""
        self._memory.stage(OPERATION_KEYS[index], None)
