"""The bridge's side of hello, pairing and session handshakes over a wire (SPEC 4)."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from protocol.codec import encode_request, parse
from protocol.errors import AuthenticationError, MalformedError
from protocol.exchange import State
from protocol.framing import Frame, Kind
from protocol.label import pairing_key
from protocol.messages.device import PingRequest
from protocol.messages.hello import HELLO_RESPONSE, HelloFlag, HelloResponse, Mode
from protocol.noise import Handshake
from protocol.session import BridgeSession, accepting, hello_request, prologue
from protocol.version import MAX_VERSION, MIN_VERSION

from .errors import AckTimeout, LinkLost, NotPaired, PairingRefused, Unreachable, VersionMismatch
from .store.keys import BridgeKeys
from .wire import Outcome, T, Wire

Entropy = Callable[[int], bytes]

SILENT = "The lock does not answer. Is it powered, and is this the right port and speed? Try again."
LOST = "The link to the lock was lost. Is the cable still plugged in? Try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A hello that was answered, and what the lock said of itself."""

    request: Frame
    response: Frame
    lock: HelloResponse


async def greet(wire: Wire, mode: Mode, peer_id: int, *, entropy: Entropy = os.urandom) -> Greeting:
    """Say hello; raise VersionMismatch, Unreachable, AckTimeout or LinkLost."""
    request = hello_request(mode, peer_id, int.from_bytes(entropy(4), "big"))
    outcome = await wire.exchange(request, _hello_response)
    if outcome.state is State.REFUSED:
        raise Unreachable("The lock has seen too many hellos and takes no more for now. Try again in ten seconds.")
    response, lock = _answered(outcome)
    if not MIN_VERSION <= lock.chosen <= MAX_VERSION:
        raise VersionMismatch(
            f"The lock speaks protocol versions {lock.lowest} to {lock.highest}, this bridge {MIN_VERSION} to "
            f"{MAX_VERSION}. Update the older of the two."
        )
    return Greeting(request=request, response=response, lock=lock)


async def open_session(
    wire: Wire, greeting: Greeting, keys: BridgeKeys, lock_key: bytes, *, entropy: Entropy = os.urandom
) -> BridgeSession:
    """Open a session with a lock whose public key is known; raise NotPaired where the lock refuses it."""
    handshake = Handshake(
        initiator=True,
        static=keys.static_private,
        ephemeral=entropy(32),
        prologue=_prologue(greeting),
        remote_static=lock_key,
    )
    try:
        await _turn(wire, greeting, handshake, 0)
    except (AuthenticationError, _RefusedByLock):
        raise NotPaired(
            "The lock does not accept this bridge's key: it was unpaired or reset, or something on the line "
            "pretends so. The keys are kept. To pair anew, hold the lock's button for 5 s and run `latchwire pair`."
        ) from None
    return BridgeSession(handshake.ciphers, greeting.lock.chosen)


def require_lock(told: int, wanted: int) -> None:
    """Raise Unreachable where another lock answers than the one that was looked for."""
    if told != wanted:
        raise Unreachable(
            f"Another lock answers here: {told:08X}, not {wanted:08X}. Check which lock is plugged in where; over "
            "Bluetooth, look for a device near by that pretends to be this lock."
        )


async def pair(
    wire: Wire, greeting: Greeting, keys: BridgeKeys, secret: bytes, *, entropy: Entropy = os.urandom
) -> tuple[BridgeSession, bytes]:
    """Prove the label's secret and see it proven; return a session that may commit, and the lock's public key.

    Raise PairingRefused, with one sentence for every cause. The label enters the handshake with its last message, and
    the lock's answer to that is in clear: only what authenticates in the session shows that the lock knows the label.
    """
    handshake = Handshake(
        initiator=True,
        static=keys.static_private,
        ephemeral=entropy(32),
        prologue=_prologue(greeting),
        psk=pairing_key(secret, greeting.lock.lock_id),
    )
    try:
        await _turn(wire, greeting, handshake, 0)
        await _turn(wire, greeting, handshake, 1)
        session = BridgeSession(handshake.ciphers, greeting.lock.chosen)
        await _see_proof(wire, session)
    except (AuthenticationError, _RefusedByLock):
        raise PairingRefused(_pairing_refused(greeting.lock)) from None
    return session, handshake.remote_static


class _RefusedByLock(Exception):
    """The lock answered a handshake message with the generic refusal."""


async def _turn(wire: Wire, greeting: Greeting, handshake: Handshake, counter: int) -> None:
    """Write one message and read the lock's answer, which is empty once the handshake is finished."""
    version = greeting.lock.chosen
    message = Frame(version=version, kind=Kind.HANDSHAKE, counter=counter, body=handshake.write())
    outcome = await wire.exchange(message, lambda frame: frame if _is_handshake(frame, version) else None)
    if outcome.state is State.REFUSED:
        raise _RefusedByLock
    answer = _answered(outcome)
    if not handshake.finished:
        handshake.read(answer.body)
    elif answer.body:
        raise AuthenticationError("an answer to the last handshake message is empty")


async def _see_proof(wire: Wire, session: BridgeSession) -> None:
    """Ask anything: whatever the answer says, it is sealed with keys that hold the label's secret (SPEC 4.6)."""
    outcome = await wire.exchange(session.seal(encode_request(PingRequest(payload=b""))), accepting(session))
    if outcome.state is State.REFUSED:
        raise _RefusedByLock
    _answered(outcome)


def _is_handshake(frame: Frame, version: int) -> bool:
    return frame.kind is Kind.HANDSHAKE and frame.version == version


def _hello_response(frame: Frame) -> tuple[Frame, HelloResponse] | None:
    if frame.kind is not Kind.HELLO_RESPONSE or frame.version != 0:
        return None
    try:
        return frame, parse(HELLO_RESPONSE, frame.body)
    except MalformedError:
        return None


def _answered(outcome: Outcome[T]) -> T:
    if outcome.state is State.LOST:
        raise LinkLost(LOST)
    if outcome.value is None:
        raise AckTimeout(SILENT)
    return outcome.value


def _prologue(greeting: Greeting) -> bytes:
    return prologue(greeting.lock.chosen, greeting.request, greeting.response)


def _pairing_refused(lock: HelloResponse) -> str:
    window = "open" if HelloFlag.PAIRING_OPEN in lock.flags else "closed"
    return (
        "The lock refused to pair: the label is not this lock's, or its pairing window is closed "
        f"(the lock says that it is {window}). Check the label, hold the lock's button for 5 s, and run "
        "`latchwire pair` again within two minutes."
    )
