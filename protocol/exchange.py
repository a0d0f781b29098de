"""One request to its end, as a pure machine: it says what to do, and its driver does it (SPEC 6.6).

The frame is transmitted, and the identical bytes again after each timeout. Nothing here knows links, clocks or ciphers.
"""

from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from .errors import MisuseError


class State(Enum):
    """How far the exchange has come; all but the first two are final."""

    READY = auto()
    WAITING = auto()
    ANSWERED = auto()
    REFUSED = auto()
    SILENT = auto()
    LOST = auto()


class Input(Enum):
    """What happened."""

    SEND = auto()
    ANSWER = auto()
    REFUSAL = auto()
    STRANGER = auto()  # a frame that answers something else, or does not authenticate
    TIMEOUT = auto()
    EXHAUSTED = auto()  # a timeout after the last transmission
    LINK_LOST = auto()


class Action(Enum):
    """What the driver has to do."""

    TRANSMIT = auto()
    ARM_TIMER = auto()
    DISARM_TIMER = auto()


TRANSITIONS = MappingProxyType(
    {
        (State.READY, Input.SEND): (State.WAITING, (Action.TRANSMIT, Action.ARM_TIMER)),
        (State.READY, Input.STRANGER): (State.READY, ()),
        (State.READY, Input.LINK_LOST): (State.LOST, ()),
        (State.WAITING, Input.ANSWER): (State.ANSWERED, (Action.DISARM_TIMER,)),
        (State.WAITING, Input.REFUSAL): (State.REFUSED, (Action.DISARM_TIMER,)),
        (State.WAITING, Input.STRANGER): (State.WAITING, ()),
        (State.WAITING, Input.TIMEOUT): (State.WAITING, (Action.TRANSMIT, Action.ARM_TIMER)),
        (State.WAITING, Input.EXHAUSTED): (State.SILENT, ()),
        (State.WAITING, Input.LINK_LOST): (State.LOST, (Action.DISARM_TIMER,)),
    }
)


def step(state: State, happened: Input) -> tuple[State, tuple[Action, ...]]:
    """Return the next state and what to do; raise MisuseError for an input that the state does not take."""
    try:
        return TRANSITIONS[state, happened]
    except KeyError:
        raise MisuseError(f"an exchange that is {state.name} takes no {happened.name}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How long to wait and how often to transmit. `timeout` in seconds, without the time on the wire."""

    timeout: float = 0.3
    growth: float = 1.6
    jitter: float = 0.25
    transmissions: int = 3

    def wait(self, attempt: int, wire_time: float, luck: float) -> float:
        """Return the seconds to wait after transmission `attempt` (from 0); `luck` is a random number in 0…1."""
        return (self.timeout + wire_time) * self.growth**attempt * (1 + self.jitter * luck)


class Exchange:
    """One exchange under way: the table, and the count of transmissions."""

    def __init__(self, retry: Retry) -> None:
        self.retry = retry
        self.state = State.READY
        self.transmitted = 0

    def step(self, happened: Input) -> tuple[Action, ...]:
        """Take one input and return what to do; a timeout after the last transmission ends the exchange."""
        if happened is Input.TIMEOUT and self.transmitted >= self.retry.transmissions:
            happened = Input.EXHAUSTED
        self.state, actions = step(self.state, happened)
        self.transmitted += Action.TRANSMIT in actions
        return actions

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self.state not in (State.READY, State.WAITING)
