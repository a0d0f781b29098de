"""Peers and the pairing window (SPEC 4.4 to 4.6): a new peer is pending in RAM, and kept once it has shown its key."""

from dataclasses import dataclass

from protocol.messages.declaration import Refusal
from protocol.messages.pairing import PairCommitResponse
from protocol.noise import peer_id
from protocol.vocabulary import Status

from ..clock import NANOSECONDS
from ..memory import Memory
from ..records import PEER_KEYS, Peer

WINDOW_SECONDS = 120
PENDING_SECONDS = 60
HANDSHAKES_A_WINDOW = 10
HOLD_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    peer: Peer
    until_ns: int


class Pairing:
    """Who may open a session, and whether somebody new may pair."""

    __slots__ = ("_handshakes_left", "_memory", "_open_until_ns", "_pending")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._open_until_ns = 0
        self._handshakes_left = 0
        self._pending: _Pending | None = None

    def open_window(self, now_ns: int) -> None:
        """Let a bridge pair for 120 s, or until it has, or until ten handshakes were begun."""
        self._open_until_ns = now_ns + WINDOW_SECONDS * NANOSECONDS
        self._handshakes_left = HANDSHAKES_A_WINDOW

    def close_window(self) -> None:
        """Let nobody pair."""
        self._open_until_ns = 0

    def window_open(self, now_ns: int) -> bool:
        """Whether a bridge may pair now."""
        return now_ns < self._open_until_ns

    @property
    def wake_ns(self) -> int | None:
        """When the window closes by itself, None while it is closed."""
        return self._open_until_ns or None

    def step(self, now_ns: int) -> None:
        """Close a window whose time is over."""
        if not self.window_open(now_ns):
            self.close_window()

    def begin(self, now_ns: int) -> bool:
        """Count one pairing handshake, which may run to its end; the tenth closes the window behind it."""
        if not self.window_open(now_ns):
            return False
        self._handshakes_left -= 1
        if self._handshakes_left == 0:
            self.close_window()
        return True

    def peers(self) -> dict[int, Peer]:
        """Return the kept peers by their index."""
        kept = ((index, self._memory.get(key, Peer)) for index, key in enumerate(PEER_KEYS))
        return {index: peer for index, peer in kept if peer is not None}

    def index_of(self, wanted: int) -> int | None:
        """Return the index of a kept peer."""
        return next((index for index, peer in self.peers().items() if peer.peer_id == wanted), None)

    def public_key(self, wanted: int, now_ns: int) -> bytes | None:
        """Return the key of a kept or pending peer; a pending one, the newer, comes first."""
        pending = self._live_pending(now_ns)
        if pending and pending.peer_id == wanted:
            return pending.public_key
        index = self.index_of(wanted)
        return None if index is None else self.peers()[index].public_key

    def offer(self, public_key: bytes, now_ns: int) -> PairCommitResponse | Refusal:
        """Hold the owner of `public_key` as pending for 60 s."""
        peer = Peer(peer_id=peer_id(public_key), public_key=public_key)
        peers = self.peers()
        index = self.index_of(peer.peer_id)
        if index is not None and peers[index].public_key != public_key:
            return Refusal(status=Status.EXISTS)
        if index is None and len(peers) == len(PEER_KEYS):
            return Refusal(status=Status.FULL)
        self._pending = _Pending(peer=peer, until_ns=now_ns + PENDING_SECONDS * NANOSECONDS)
        return PairCommitResponse(peer_id=peer.peer_id)

    def stage_confirmed(self, confirmed: int, now_ns: int) -> bool:
        """Stage a pending peer that has opened a session as a kept one, after which nobody else may pair.

        Returns whether it is a new one.
        """
        pending = self._live_pending(now_ns)
        if pending is None or pending.peer_id != confirmed:
            return False
        new = self.index_of(confirmed) is None
        if new:
            taken = self.peers()
            free = next(index for index in range(len(PEER_KEYS)) if index not in taken)
            self._memory.stage(PEER_KEYS[free], pending)
        self._memory.afterwards(self._settle)
        return new

    def stage_forgotten(self, index: int) -> None:
        """Stage the removal of the peer at `index`."""
        self._memory.stage(PEER_KEYS[index], None)

    def _settle(self) -> None:
        self._pending = None
        self.close_window()

    def _live_pending(self, now_ns: int) -> Peer | None:
        pending = self._pending
        return pending.peer if pending and now_ns < pending.until_ns else None
