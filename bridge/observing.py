"""What the bridge counts while it talks to locks: the core tells an observer, and knows nothing of who it is."""

from dataclasses import dataclass
from typing import Protocol

from protocol.exchange import State
from protocol.framing import Kind
from protocol.messages.declaration import Refusal, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One exchange that has ended: `state` is WAITING where it was cut off. `seconds` are the loop's."""

    kind: Kind
    state: State
    transmissions: int
    seconds: float


class Observer(Protocol):
    """Whoever counts; it never raises, for counting must not stop a pin."""

    def exchanged(self, exchange: Exchanged) -> None:
        """An exchange has ended, in whatever way."""
        ...

    def answered(self, wire_id: int, answer: Response | Refusal, now: float) -> None:
        """A lock has answered within a session; `now` is what the bridge's clock shows."""
        ...

    def timed_out(self) -> None:
        """What somebody wanted of a lock has met the deadline."""
        ...


class _Nobody:
    def exchanged(self, exchange: Exchanged) -> None:
        """Look away."""

    def answered(self, wire_id: int, answer: Response | Refusal, now: float) -> None:
        """Look away."""

    def timed_out(self) -> None:
        """Look away."""


NOBODY: Observer = _Nobody()
