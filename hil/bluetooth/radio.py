"""The air between a central's host and its controller: what travels comes late there, out of order, or not at all."""

import asyncio
from collections import deque
from collections.abc import Callable

from bumble import hci
from bumble.transport.common import TransportSink, TransportSource

from .pieces import ACL_PACKET, Assembler, Piece, Way, handle_of

SUPERVISION_TIMEOUT = int(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
"""The reason with which a link ends whose other side was not heard for too long."""

_CONNECTED = {
    hci.HCI_LE_CONNECTION_COMPLETE_EVENT,
    hci.HCI_LE_ENHANCED_CONNECTION_COMPLETE_EVENT,
    hci.HCI_LE_ENHANCED_CONNECTION_COMPLETE_V2_EVENT,
}
_DISCONNECT = hci.HCI_DISCONNECT_COMMAND.to_bytes(2, "little")


class _Antenna:
    """Where the controller's packets come in."""

    def __init__(self, take: Callable[[bytes], None], lose: Callable[[], None]) -> None:
        self._take = take
        self._lose = lose

    def on_packet(self, packet: bytes) -> None:
        self._take(packet)

    def on_transport_lost(self) -> None:
        self._lose()


class Radio:
    """Stands between a Bumble host, whose source and sink it is, and the transport to its controller.

    With an interval, frames travel at connection events only, all that are waiting and in their order. What is lost
    here is lost as in a radio shadow: nobody is told.
    """

    terminated: asyncio.Future[None]
    _controller: TransportSink
    _host: TransportSink | None = None

    def __init__(self, *, interval: float = 0.0) -> None:
        self.interval = interval
        self._event: asyncio.TimerHandle | None = None
        self._begin()

    def attach(self, source: TransportSource, sink: TransportSink) -> None:
        """Carry between this transport and the host that comes next; there are no links yet, and the air is clear."""
        self._begin()
        self.terminated = source.terminated
        self._controller = sink
        self._host = None
        source.set_packet_sink(_Antenna(self._from_controller, self._lost))

    def _begin(self) -> None:
        self._links: set[int] = set()
        self._assemblers = {way: Assembler(way) for way in Way}
        self._waiting: deque[Piece] = deque()
        self._own_statuses = 0
        self._silent = False
        self._allowed: dict[Way, int] = {}
        self._losing: set[Way] = set()
        self._swapping: set[Way] = set()
        self._held: dict[Way, Piece] = {}

    def set_packet_sink(self, sink: TransportSink) -> None:
        """Take the host, as the source of its packets."""
        self._host = sink

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the host, as the sink of its packets."""
        if packet[0] == ACL_PACKET:
            self._take(Way.TO_LOCK, packet)
        else:
            self._controller.on_packet(packet)

    def silence(self) -> None:
        """Lose whatever travels, both ways, until `supervise`."""
        self._silent = True

    def supervise(self) -> None:
        """End each link, for both its sides, as when nothing was heard for too long; then the air is clear again."""
        self._silent = False
        self._allowed.clear()
        for handle in tuple(self._links):
            self._forget(handle)
            self._own_statuses += 1
            command = hci.HCI_Disconnect_Command(connection_handle=handle, reason=SUPERVISION_TIMEOUT)
            self._controller.on_packet(bytes(command))

    def drop_after(self, way: Way, count: int) -> None:
        """End all links once `count` more bytes of values have travelled this way; no value travels in part.

        Any write is counted, the two bytes that subscribe included.
        """
        self._allowed[way] = count

    def lose(self, way: Way) -> None:
        """Lose the next value that travels this way."""
        self._losing.add(way)

    def swap(self, way: Way) -> None:
        """Let the next two values that travel this way change places."""
        self._swapping.add(way)

    def _from_controller(self, packet: bytes) -> None:
        if packet[0] == ACL_PACKET:
            self._take(Way.FROM_LOCK, packet)
        elif not self._is_own_status(packet):
            self._note_links(packet)
            self._to_host(packet)

    def _is_own_status(self, packet: bytes) -> bool:
        """Return whether the host must not see this: the answer to a command that it has not sent."""
        own = self._own_statuses > 0 and packet[1] == hci.HCI_COMMAND_STATUS_EVENT and packet[5:7] == _DISCONNECT
        self._own_statuses -= own
        return own

    def _note_links(self, packet: bytes) -> None:
        if packet[1] == hci.HCI_LE_META_EVENT and packet[3] in _CONNECTED and packet[4] == 0:
            self._links.add(handle_of(packet[4:]))
        elif packet[1] == hci.HCI_DISCONNECTION_COMPLETE_EVENT and packet[3] == 0:
            self._forget(handle_of(packet[3:]))

    def _forget(self, handle: int) -> None:
        self._links.discard(handle)
        self._waiting = deque(piece for piece in self._waiting if piece.handle != handle)
        self._held = {way: piece for way, piece in self._held.items() if piece.handle != handle}
        for assembler in self._assemblers.values():
            assembler.forget(handle)

    def _take(self, way: Way, packet: bytes) -> None:
        if handle_of(packet) not in self._links:
            return
        piece = self._assemblers[way].take(packet)
        if piece is None:
            return
        if not self.interval:
            self._carry(piece)
            return
        self._waiting.append(piece)
        if self._event is None:
            loop = asyncio.get_running_loop()
            self._event = loop.call_at((loop.time() // self.interval + 1) * self.interval, self._connection_event)

    def _connection_event(self) -> None:
        """Carry what was waiting when the event began; what it brings about waits for the next one."""
        self._event = None
        for _ in range(len(self._waiting)):
            if self._waiting:  # a link's end takes its frames away
                self._carry(self._waiting.popleft())

    def _carry(self, piece: Piece) -> None:
        if self._silent:
            return
        for carried in self._tampered(piece):
            self._deliver(carried)

    def _tampered(self, piece: Piece) -> tuple[Piece, ...]:
        if piece.value is None:
            return (piece,)
        if piece.way in self._losing:
            self._losing.remove(piece.way)
            return ()
        if piece.way not in self._swapping:
            return (piece,)
        if piece.way not in self._held:
            self._held[piece.way] = piece
            return ()
        self._swapping.remove(piece.way)
        return piece, self._held.pop(piece.way)

    def _deliver(self, piece: Piece) -> None:
        if piece.value is None or piece.way not in self._allowed:
            self._hand_over(piece)
            return
        self._allowed[piece.way] -= len(piece.value)
        left = self._allowed[piece.way]
        if left >= 0:
            self._hand_over(piece)
        if left <= 0:
            self.supervise()

    def _hand_over(self, piece: Piece) -> None:
        take = self._controller.on_packet if piece.way is Way.TO_LOCK else self._to_host
        for packet in piece.packets:
            take(packet)

    def _to_host(self, packet: bytes) -> None:
        if self._host is not None:
            self._host.on_packet(packet)

    def _lost(self) -> None:
        if self._event is not None:
            self._event.cancel()
            self._event = None
        lost = getattr(self._host, "on_transport_lost", None)
        if lost is not None:
            lost()
