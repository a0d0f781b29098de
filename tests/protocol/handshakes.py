"""Both ends of real handshakes with fixed keys: what the tests of sessions and of the wire start from."""

from protocol.codec import build
from protocol.framing import Frame, Kind
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloFlag, HelloRequest, HelloResponse, Mode
from protocol.noise import Ciphers, Handshake, public_key
from protocol.session import BridgeSession, LockSession, hello_frame

VERSION = 1
# The frozen bytes of tests/wire were made with these keys.
BRIDGE_STATIC = bytes(range(32))
BRIDGE_EPHEMERAL = bytes(range(32, 64))
LOCK_STATIC = bytes(range(64, 96))
LOCK_EPHEMERAL = bytes(range(96, 128))
PSK = bytes(range(128, 160))
STRANGER = bytes(range(160, 192))

Ends = tuple[Handshake, Handshake]


def pairing(prologue: bytes = b"", lock_prologue: bytes | None = None, *, bridge_psk: bytes = PSK) -> Ends:
    """The bridge's and the lock's end of a pairing; their prologues are the same unless two are given."""
    theirs = prologue if lock_prologue is None else lock_prologue
    bridge = Handshake(
        initiator=True, static=BRIDGE_STATIC, ephemeral=BRIDGE_EPHEMERAL, prologue=prologue, psk=bridge_psk
    )
    lock = Handshake(initiator=False, static=LOCK_STATIC, ephemeral=LOCK_EPHEMERAL, prologue=theirs, psk=PSK)
    return bridge, lock


def session(prologue: bytes = b"", lock_prologue: bytes | None = None, *, bridge_static: bytes = BRIDGE_STATIC) -> Ends:
    """The same of a session's handshake; a lock that knows another bridge refuses `bridge_static`."""
    theirs = prologue if lock_prologue is None else lock_prologue
    bridge = Handshake(
        initiator=True,
        static=bridge_static,
        ephemeral=BRIDGE_EPHEMERAL,
        prologue=prologue,
        remote_static=public_key(LOCK_STATIC),
    )
    lock = Handshake(
        initiator=False,
        static=LOCK_STATIC,
        ephemeral=LOCK_EPHEMERAL,
        prologue=theirs,
        remote_static=public_key(BRIDGE_STATIC),
    )
    return bridge, lock


def finish(ends: Ends) -> list[bytes]:
    """Let both ends take turns until both have finished; return the messages."""
    writer, reader = ends
    messages = []
    while not (writer.finished and reader.finished):
        messages.append(writer.write())
        reader.read(messages[-1])
        writer, reader = reader, writer
    return messages


class Witness(Ciphers):
    """The keys of a finished handshake, which fail the test that seals twice under one counter."""

    def __init__(self, handshake: Handshake) -> None:
        ciphers = handshake.ciphers
        super().__init__(ciphers._sending, ciphers._receiving)
        self._sealed: set[int] = set()

    def seal(self, counter: int, associated: bytes, plaintext: bytes) -> bytes:
        """Seal, the first time."""
        assert counter not in self._sealed, f"counter {counter} sealed a second body"
        self._sealed.add(counter)
        return super().seal(counter, associated, plaintext)


def sessions(ends: Ends | None = None) -> tuple[BridgeSession, LockSession]:
    """Both ends of a fresh session, made by a session's handshake unless another is given."""
    bridge, lock = ends = ends or session()
    finish(ends)
    return BridgeSession(Witness(bridge), VERSION), LockSession(Witness(lock), VERSION)


def hellos(random: bytes = bytes(range(16))) -> tuple[Frame, Frame]:
    """A hello and its response, whose random bytes are `random`."""
    asked = HelloRequest(lowest=1, highest=1, mode=Mode.SESSION, peer_id=0x01020304)
    told = HelloResponse(
        chosen=1,
        lowest=1,
        highest=1,
        lock_id=0xA0B0C0D0,
        flags=HelloFlag.PAIRED | HelloFlag.PAIRING_OPEN,
        random=random,
    )
    request = hello_frame(Kind.HELLO_REQUEST, 0x11223344, build(HELLO_REQUEST, asked))
    return request, hello_frame(Kind.HELLO_RESPONSE, 0x11223344, build(HELLO_RESPONSE, told))
