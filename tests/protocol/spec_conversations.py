"""The conversations of SPEC.md's examples, held with the code's bridge and the simulated lock."""

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from firmware_sim.device import GEOMETRY, Device
from firmware_sim.events import ButtonHeld
from firmware_sim.flash import NorFlash
from protocol.codec import build, decode_answer, decode_request, encode_answer, encode_request, fingerprint, parse
from protocol.errors import MalformedError
from protocol.framing import Frame, FrameDecoder, Kind, encode_frame
from protocol.messages.audit import AuditReadRequest
from protocol.messages.bolt import BoltOperateRequest
from protocol.messages.clock import ClockSetRequest
from protocol.messages.declaration import Refusal, Request, Response
from protocol.messages.device import InfoResponse, StatusResponse
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE, HelloRequest, HelloResponse, Mode
from protocol.messages.pairing import PairCommitRequest
from protocol.messages.pins import PinCreateRequest, PinGetRequest, PinListRequest, PinUpdateRequest
from protocol.noise import Handshake, peer_id, public_key
from protocol.registry import MESSAGES
from protocol.session import BridgeSession, hello_frame, prologue
from protocol.vocabulary import BoltAction, BoltState, Capability, ClockState, DoorState, PinEntry, Schedule, Status

from .spec_examples import Example, Examples, pieces
from .spec_noise import PAIRING, SESSION, Computation
from .spec_records import ANNA, BOB, CAFE, EIGHT_O_CLOCK, NIGHTS, SATURDAY, WARSAW, YEAR_2027

LINK = 1
EVE, SEQUENCE = PinEntry(digits="11223", alias="Eve"), PinEntry(digits="12345", alias="Bob")
LONGEST = Schedule(valid_from=YEAR_2027, valid_until=YEAR_2027 + 86400, windows=(NIGHTS, SATURDAY, NIGHTS, SATURDAY))
GUESTS = [
    PinEntry(digits=f"4071{n}", alias=f"Guest {n}, first floor, south side", schedule=LONGEST) for n in range(1, 5)
]
CREATED = [(1, ANNA), (1, ANNA), (1, BOB), (3, BOB), (2, SEQUENCE), (2, BOB), (2, CAFE), (3, EVE)]
SET = [(EIGHT_O_CLOCK + 1, False), (EIGHT_O_CLOCK - 300, False), (EIGHT_O_CLOCK - 300, True)]
ASKED: dict[str, list[Request]] = {
    "set_clock": [ClockSetRequest(time=time, force=force, zone="Europe/Warsaw", rule=WARSAW) for time, force in SET],
    "create_pin": [PinCreateRequest(operation=operation, entry=entry) for operation, entry in CREATED],
    "get_pin": [PinGetRequest(id=1), PinGetRequest(id=3)],
    "update_pin": [PinUpdateRequest(operation=3, id=1, entry=PinEntry(digits="24680", alias="Anna B", enabled=False))],
    "operate_bolt": [
        BoltOperateRequest(operation=operation, action=action)
        for operation, action in ((6, BoltAction.UNLOCK), (6, BoltAction.UNLOCK), (7, BoltAction.LOCK))
    ],
    "read_audit": [AuditReadRequest(after=9), AuditReadRequest(after=11)],
    "list_pins": [PinListRequest(after=0, list_version=0), PinListRequest(after=0, list_version=7)],
}
"""What the requests mean whose answers would not tell."""


class SimulatedLock:
    """A simulated lock with two slots or so many, its window open, whose random bytes are the example's."""

    def __init__(self, label: Example, keys: Example, *, slots: int = 2) -> None:
        boot = keys["lock_static_private"] + bytes(1)  # where the change counter begins, which no example shows
        self._random = {20: label["lock_id"] + label["secret"], 33: boot}
        self.draw(keys)
        self._device = Device(NorFlash(GEOMETRY), slots=slots, epoch=0, now=lambda: 0, entropy=self._random.__getitem__)
        self._device.open(LINK, connection=False)
        self._device.happen(ButtonHeld(seconds=5))

    def draw(self, keys: Example) -> None:
        """Let the next handshake draw the random bytes of `keys`."""
        self._random[48] = keys["lock_random"] + keys["lock_ephemeral_private"]

    def power_cycle(self) -> None:
        """Lose power, and every session with it."""
        self._device.power_cycle()
        self._device.open(LINK, connection=False)

    def answer(self, stream: bytes) -> bytes:
        """Return what the lock puts on the stream for one frame."""
        (output,) = self._device.receive(LINK, stream).outputs
        assert output.data is not None
        return output.data


def check_conversation(examples: Examples) -> None:
    """Pairing, session and refusal are one conversation with one simulated lock, and one with the code's bridge."""
    label, pairing, session, refused = (examples[name] for name in ("label", "pairing", "session", "refused"))
    for side in ("lock", "bridge"):
        assert public_key(pairing[f"{side}_static_private"]) == pairing[f"{side}_static_public"]
    assert peer_id(pairing["bridge_static_public"]) == pairing.number("peer_id")
    lock = SimulatedLock(label, pairing)
    _check_turns(lock, pairing, "hello_request", "message_1", "message_3", "proof", "commit")
    assert _prologue(pairing) == pairing["prologue"]
    handshake = _handshake(pairing, pairing, pairing["prologue"], psk=label["pairing_key"])
    _check_handshake(pairing, handshake, "message_1", "message_2", "message_3")
    _check_noise(PAIRING, pairing, pairing, pairing["prologue"], psk=label["pairing_key"])
    assert pairing.frame("message_4").body == b""
    for name in ("proof", "commit"):
        _check_sealed(pairing, name)
    lock.draw(session)
    _check_turns(lock, session, "hello_request", "message_1", "ping", "create", "create")  # a repeated frame
    _check_turns(lock, session, "exists")
    handshake = _handshake(pairing, session, _prologue(session), remote_static=pairing["lock_static_public"])
    _check_handshake(session, handshake, "message_1", "message_2")
    known = (pairing["bridge_static_public"], pairing["lock_static_public"])
    _check_noise(SESSION, pairing, session, _prologue(session), known=known)
    assert fingerprint(session["create_body"]) == session["create_fingerprint"]
    for name in ("ping", "create", "exists"):
        _check_sealed(session, name)
    lock.power_cycle()
    assert lock.answer(refused["request"]) == refused["answer"]
    assert _opened(session["bridge_to_lock_key"], refused.frame("request")) == refused["request_body"]
    assert (refused.frame("answer").kind, refused.frame("answer").body) == (Kind.REFUSED, b"")


def check_messages(examples: Examples) -> None:
    """Every request means what it is said to, is laid out as its blanks say, and the simulated lock answers so."""
    for name, requests in ASKED.items():
        assert [decode_request(examples[name][request])[1] for request, _ in examples[name].exchanges()] == requests
    for name in MESSAGE_EXAMPLES:
        for request, answer in examples[name].exchanges():
            _check_layout(examples[name], request, answer)
    for name, response in IMAGINARY.items():
        example = examples[name]
        assert example["answer_1"] == encode_answer(example["request_1"][0], response)
    _check_story(examples)


def check_hellos(examples: Examples) -> None:
    example, keys = examples["hellos"], examples["pairing"]
    lock, peer = SimulatedLock(examples["label"], keys), keys.number("peer_id")
    asked = build(HELLO_REQUEST, HelloRequest(lowest=2, highest=3, mode=Mode.SESSION, peer_id=peer))
    readable = build(HELLO_REQUEST, HelloRequest(lowest=1, highest=1, mode=Mode.SESSION, peer_id=peer))
    bodies = [asked, readable[:2] + b"\3" + readable[3:], readable + b"\0"]
    for number, body in enumerate(bodies, start=1):
        request, answer = example[f"request_{number}"], example.frame(f"answer_{number}")
        assert example[f"body_{number}"] == body
        assert request == encode_frame(hello_frame(Kind.HELLO_REQUEST, number, body))
        assert lock.answer(request) == example[f"answer_{number}"]
        assert answer.kind is (Kind.HELLO_RESPONSE if number == 1 else Kind.REFUSED)
    response: HelloResponse = parse(HELLO_RESPONSE, example.frame("answer_1").body)
    assert example.fields("answer_body_1") == pieces(HELLO_RESPONSE, response)
    assert response.chosen == 0


def check_pages(examples: Examples) -> None:
    lock, session = ready(examples, slots=len(GUESTS))
    for operation, entry in enumerate(GUESTS, start=1):
        assert ask(lock, session, encode_request(PinCreateRequest(operation=operation, entry=entry)))[1] == Status.OK
    for request, answer in examples["pages"].exchanges():
        _check_layout(examples["pages"], request, answer)
    tell(lock, examples["pages"], session)


def _check_layout(example: Example, request: str, answer: str) -> None:
    try:
        message, asked = decode_request(example[request])
    except MalformedError:
        return  # the example shows how the lock refuses such a request
    assert example[request] == encode_request(asked)
    assert example.fields(request)[1:] == pieces(message.request_layout, asked)
    answered = decode_answer(message, example[answer])
    assert example[answer] == encode_answer(message.opcode, answered)
    if not isinstance(answered, Refusal):
        assert example.fields(answer)[2:] == pieces(message.response_layout, answered)


def _check_story(examples: Examples) -> None:
    """The examples as one story: `commit_pairing` in a pairing session, everything else in one session after it."""
    assert [name for name in examples if name in MESSAGE_EXAMPLES] == MESSAGE_EXAMPLES
    lock = SimulatedLock(examples["label"], examples["pairing"])
    tell(lock, examples["commit_pairing"], paired(lock, examples))
    session = opened(lock, examples)
    for name in MESSAGE_EXAMPLES[1:]:
        if name not in IMAGINARY:
            tell(lock, examples[name], session)


def tell(lock: SimulatedLock, example: Example, session: BridgeSession) -> None:
    """Check that the lock answers each request of an example as the example does."""
    for request, answer in example.exchanges():
        assert ask(lock, session, example[request]) == example[answer]


def paired(lock: SimulatedLock, examples: Examples) -> BridgeSession:
    """Return a pairing session."""
    return _opened_session(lock, Mode.PAIR, examples["pairing"], psk=examples["label"]["pairing_key"])


def opened(lock: SimulatedLock, examples: Examples) -> BridgeSession:
    """Return a session of the peer that has committed."""
    keys = examples["pairing"]
    return _opened_session(lock, Mode.SESSION, keys, remote_static=keys["lock_static_public"])


def ready(examples: Examples, *, slots: int) -> tuple[SimulatedLock, BridgeSession]:
    """Return a lock without pins, and a session with it."""
    lock = SimulatedLock(examples["label"], examples["pairing"], slots=slots)
    ask(lock, paired(lock, examples), encode_request(PairCommitRequest()))
    return lock, opened(lock, examples)


def _opened_session(
    lock: SimulatedLock, mode: Mode, keys: Example, *, psk: bytes | None = None, remote_static: bytes | None = None
) -> BridgeSession:
    body = build(HELLO_REQUEST, HelloRequest(lowest=1, highest=1, mode=mode, peer_id=keys.number("peer_id")))
    request = hello_frame(Kind.HELLO_REQUEST, 1, body)
    hashed = prologue(1, request, said(lock, request))
    handshake = _handshake(keys, keys, hashed, psk=psk, remote_static=remote_static)
    for counter in range(2 if mode is Mode.PAIR else 1):
        answer = said(lock, Frame(version=1, kind=Kind.HANDSHAKE, counter=counter, body=handshake.write()))
        if not handshake.finished:
            handshake.read(answer.body)
    return BridgeSession(handshake.ciphers, 1)


def _handshake(
    keys: Example, turns: Example, hashed: bytes, *, psk: bytes | None = None, remote_static: bytes | None = None
) -> Handshake:
    return Handshake(
        initiator=True,
        static=keys["bridge_static_private"],
        ephemeral=turns["bridge_ephemeral_private"],
        prologue=hashed,
        psk=psk,
        remote_static=remote_static,
    )


def said(lock: SimulatedLock, frame: Frame) -> Frame:
    """Return the frame that answers a frame."""
    (answer,) = FrameDecoder().feed(lock.answer(encode_frame(frame)))
    assert isinstance(answer, Frame)
    return answer


def ask(lock: SimulatedLock, session: BridgeSession, body: bytes) -> bytes:
    """Return the body that answers a body."""
    return session.open(said(lock, session.seal(body)))


def _check_turns(lock: SimulatedLock, example: Example, *names: str) -> None:
    for name in names:
        assert lock.answer(example[name]) == example[TURNS.get(name, f"{name}_answer")]


def _prologue(turns: Example) -> bytes:
    return prologue(1, turns.frame("hello_request"), turns.frame("hello_response"))


def _check_handshake(turns: Example, handshake: Handshake, *messages: str) -> None:
    for number, name in enumerate(messages):
        frame = turns.frame(name)
        assert (frame.kind, frame.counter) == (Kind.HANDSHAKE, number // 2)
        if number % 2:
            handshake.read(frame.body)
        else:
            assert handshake.write() == frame.body
    assert handshake.finished


def _check_noise(
    pattern: tuple[str, tuple[str, ...]],
    keys: Example,
    turns: Example,
    hashed: bytes,
    *,
    known: tuple[bytes, ...] = (),
    psk: bytes | None = None,
) -> None:
    """Compute the handshake without the library."""
    name, messages = pattern
    bridge = {"s": keys["bridge_static_private"], "e": turns["bridge_ephemeral_private"]}
    lock = {"s": keys["lock_static_private"], "e": turns["lock_ephemeral_private"]}
    computation = Computation(name, hashed, bridge=bridge, lock=lock, known=known, psk=psk)
    for number, step in enumerate(computation.steps(messages)):
        assert (turns[f"h_{number}"], turns[f"ck_{number}"]) == (step.h, step.ck)
        assert number == 0 or turns.frame(f"message_{number}").body == step.message
    assert (turns["bridge_to_lock_key"], turns["lock_to_bridge_key"]) == computation.split()


def _check_sealed(example: Example, name: str) -> None:
    """Open both frames of an exchange without the session's code."""
    frame, answer = example.frame(name), f"{name}_answer"
    assert _opened(example["bridge_to_lock_key"], frame) == example[f"{name}_body"]
    assert _opened(example["lock_to_bridge_key"], example.frame(answer)) == example[f"{answer}_body"]
    _check_layout(example, f"{name}_body", f"{answer}_body")
    if f"{name}_nonce" in example.values:
        assert example[f"{name}_nonce"] == _nonce(frame.counter)
        assert example[f"{name}_associated"] == frame.header()


def _opened(key: bytes, frame: Frame) -> bytes:
    return ChaCha20Poly1305(key).decrypt(_nonce(frame.counter), frame.body, frame.header())


def _nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(8, "little")


TURNS = {"hello_request": "hello_response", "message_1": "message_2", "message_3": "message_4"}
"""What the lock says to what; any other frame has its name and `_answer`."""

IMAGINARY: dict[str, Response] = {
    "info": InfoResponse(
        lock_id=0x4C6F636B,
        min_version=1,
        max_version=1,
        model="Example K1",
        serial="K1-000042",
        firmware_version="1.4.2",
        capacity=100,
        max_frame=512,
        capabilities=Capability.SCHEDULE | Capability.CLOCK | Capability.BATTERY_LEVEL,
    ),
    "status": StatusResponse(
        list_version=7,
        used=3,
        clock=ClockState.TRUSTED,
        time=1795420800,
        battery=88,
        bolt=BoltState.LOCKED,
        door=DoorState.CLOSED,
        jammed=False,
    ),
}
"""What the examples that are not the simulated lock's say."""

MESSAGE_EXAMPLES = [
    "commit_pairing",
    *(message.method for message in MESSAGES.values() if message.method not in {"commit_pairing", "unpair"}),
    "denied",
    "unreadable",
    "unpair",
]
"""In the order of the document, which is that of the story."""
