"""The worked examples of SPEC.md: read from its fenced blocks, and recomputed with the code and the simulated lock."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from construct import Renamed
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from firmware_sim.device import GEOMETRY, Device
from firmware_sim.events import ButtonHeld
from firmware_sim.flash import NorFlash
from protocol.codec import build, decode_answer, decode_request, encode_answer, encode_request, fingerprint, parse
from protocol.errors import MalformedError
from protocol.fields import Layout, Many, Record, Terminated
from protocol.framing import HEADER, Frame, FrameDecoder, Kind, cobs_decode, cobs_encode, crc16, encode_frame
from protocol.label import format_label, pairing_key, parse_label
from protocol.messages.declaration import Refusal, Response
from protocol.messages.device import InfoResponse, StatusResponse
from protocol.messages.hello import HELLO_REQUEST, HelloRequest, Mode
from protocol.noise import Handshake, peer_id, public_key
from protocol.registry import MESSAGES
from protocol.session import BridgeSession, hello_frame, prologue
from protocol.vocabulary import (
    BoltState,
    Capability,
    ClockState,
    DoorState,
)

LINK = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One block: the value of each name, as written."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> bytes:
        return b"".join(self.fields(name))

    def fields(self, name: str) -> list[bytes]:
        """Return the bytes between the blanks."""
        return [_bytes(part) for part in self.values[name].split()]

    def text(self, name: str) -> str:
        """Return a value in quotation marks."""
        return self.values[name].strip('"')

    def number(self, name: str) -> int:
        """Return a big-endian number."""
        return int.from_bytes(self[name], "big")

    def frame(self, name: str) -> Frame:
        """Return the one frame of a piece of the stream."""
        (frame,) = FrameDecoder().feed(self[name])
        assert isinstance(frame, Frame)
        return frame

    def exchanges(self) -> Iterator[tuple[str, str]]:
        """Yield the names of each request and its answer."""
        for name in self.values:
            if name.startswith("request_"):
                yield name, name.replace("request", "answer")

    def changed(self, name: str) -> "Example":
        """Return this example with another last digit in the value of `name`."""
        value = self.values[name]
        other = value[:-2] + '?"' if value.endswith('"') else value[:-1] + f"{int(value[-1], 16) ^ 1:x}"
        return Example(values={**self.values, name: other})


Examples = Mapping[str, Example]


def read_examples(document: str) -> dict[str, Example]:
    """Return the blocks of a document by their names."""
    blocks = re.findall(r"^```example name=(\w+)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert len(blocks) == len(dict(blocks)) == document.count("```example")
    return {name: Example(values=_values(block)) for name, block in blocks}


def fields_of(record: Any) -> list[Any]:
    """Return the named fields of a record's layout."""
    return [field for field in record.subcon.subcons if field is not Terminated]


def pieces(layout: Layout, value: Any) -> list[bytes]:
    """Return the bytes of each field of a record, nested ones taken apart."""
    if isinstance(layout, Renamed):
        layout = layout.subcon
    if isinstance(layout, Record):
        return [piece for field in fields_of(layout) for piece in pieces(field, getattr(value, field.name))]
    if isinstance(layout, Many):
        return [bytes([len(value)])] + [piece for item in value for piece in pieces(layout.item, item)]
    return [build(layout, value)]


class SimulatedLock:
    """A simulated lock with two slots, its window open, whose random bytes are the example's."""

    def __init__(self, label: Example, keys: Example) -> None:
        self._random = {20: label["lock_id"] + label["secret"], 32: keys["lock_static_private"]}
        self.draw(keys)
        self._device = Device(NorFlash(GEOMETRY), slots=2, epoch=0, now=lambda: 0, entropy=self._random.__getitem__)
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


def check_crc(examples: Examples) -> None:
    assert crc16(examples["crc"]["data"]) == examples["crc"].number("crc")


def check_cobs(examples: Examples) -> None:
    example = examples["cobs"]
    for number in range(1, 9):
        data, coded = example[f"data_{number}"], example[f"coded_{number}"]
        assert (cobs_encode(data), cobs_decode(coded)) == (coded, data)
    assert cobs_decode(example["also_6"]) == example["data_6"]


def check_frame(examples: Examples) -> None:
    example, body = examples["frame"], examples["frame"]["body"]
    assert pieces(HEADER, parse(HEADER, example["header"])) == example.fields("header")
    assert pieces(HELLO_REQUEST, parse(HELLO_REQUEST, body)) == example.fields("body")
    assert crc16(example["header"] + body) == example.number("crc")
    assert example["stream"] == _stream(example["header"] + body + example["crc"])
    assert example["stream"] == examples["pairing"]["hello_request"]


def check_damage(examples: Examples) -> None:
    whole = examples["frame"]["header"] + examples["frame"]["body"]
    crc = examples["frame"].number("crc")
    made = {
        "cobs": b"\0" + _stream(_with_crc(whole)).strip(b"\0")[:-1] + b"\0",
        "short": _stream(_with_crc(whole[:7])),
        "crc": _stream(whole + (crc ^ 1).to_bytes(2, "big")),
        "header": _stream(_with_crc(whole[:1] + b"\x09" + whole[2:])),
        "length": _stream(_with_crc(whole[:7] + b"\x08" + whole[8:])),
        "version": _stream(_with_crc(b"\x02" + whole[1:])),
    }
    assert {name: examples["damage"][name] for name in examples["damage"].values} == made
    for name, stream in made.items():
        assert [getattr(damage, "name", None) for damage in FrameDecoder().feed(stream)] == [name.upper()]


def check_label(examples: Examples) -> None:
    example = examples["label"]
    assert format_label(example["secret"]) == example.text("label")
    assert parse_label(example.text("typed")) == example["secret"]
    assert format_label(example["secret_2"]) == example.text("label_2")
    assert pairing_key(example["secret"], example.number("lock_id")) == example["pairing_key"]


def check_conversation(examples: Examples) -> None:
    """Pairing, session and refusal are one conversation with one simulated lock, and one with the code's bridge."""
    label, pairing, session, refused = (examples[name] for name in ("label", "pairing", "session", "refused"))
    for side in ("lock", "bridge"):
        assert public_key(pairing[f"{side}_static_private"]) == pairing[f"{side}_static_public"]
    assert peer_id(pairing["bridge_static_public"]) == pairing.number("peer_id")
    lock = SimulatedLock(label, pairing)
    _check_turns(lock, pairing, "hello_request", "message_1", "message_3", "commit")
    assert _prologue(pairing) == pairing["prologue"]
    handshake = _handshake(pairing, pairing, pairing["prologue"], psk=label["pairing_key"])
    _check_handshake(pairing, handshake, "message_1", "message_2", "message_3")
    assert pairing.frame("message_4").body == b""
    _check_sealed(pairing, "commit")
    lock.draw(session)
    _check_turns(lock, session, "hello_request", "message_1", "ping", "create", "create")  # a repeated frame
    _check_turns(lock, session, "exists")
    handshake = _handshake(pairing, session, _prologue(session), remote_static=pairing["lock_static_public"])
    _check_handshake(session, handshake, "message_1", "message_2")
    assert fingerprint(session["create_body"]) == session["create_fingerprint"]
    for name in ("ping", "create", "exists"):
        _check_sealed(session, name)
    lock.power_cycle()
    assert lock.answer(refused["request"]) == refused["answer"]
    assert _opened(session["bridge_to_lock_key"], refused.frame("request")) == refused["request_body"]
    assert (refused.frame("answer").kind, refused.frame("answer").body) == (Kind.REFUSED, b"")


def check_messages(examples: Examples) -> None:
    """Every request and answer is laid out as its blanks say, and the simulated lock answers so."""
    for name in MESSAGE_EXAMPLES:
        for request, answer in examples[name].exchanges():
            _check_layout(examples[name], request, answer)
    for name, response in IMAGINARY.items():
        example = examples[name]
        assert example["answer_1"] == encode_answer(example["request_1"][0], response)
    _check_story(examples)


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
    """The examples as one story: the first commit in a pairing session, everything else in one session."""
    pairing, label = examples["pairing"], examples["label"]
    lock = SimulatedLock(label, pairing)
    session = _open(lock, Mode.PAIR, pairing, psk=label["pairing_key"])
    commit = examples["commit_pairing"]
    assert _ask(lock, session, commit["request_1"]) == commit["answer_1"]
    session = _open(lock, Mode.SESSION, pairing, remote_static=pairing["lock_static_public"])
    for name in MESSAGE_EXAMPLES:
        for request, answer in examples[name].exchanges():
            if name not in IMAGINARY and (name, request) != ("commit_pairing", "request_1"):
                assert _ask(lock, session, examples[name][request]) == examples[name][answer]


def _open(
    lock: SimulatedLock, mode: Mode, keys: Example, *, psk: bytes | None = None, remote_static: bytes | None = None
) -> BridgeSession:
    body = build(HELLO_REQUEST, HelloRequest(lowest=1, highest=1, mode=mode, peer_id=keys.number("peer_id")))
    request = hello_frame(Kind.HELLO_REQUEST, 1, body)
    hashed = prologue(1, request, _said(lock, request))
    handshake = _handshake(keys, keys, hashed, psk=psk, remote_static=remote_static)
    for counter in range(2 if mode is Mode.PAIR else 1):
        answer = _said(lock, Frame(version=1, kind=Kind.HANDSHAKE, counter=counter, body=handshake.write()))
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


def _said(lock: SimulatedLock, frame: Frame) -> Frame:
    (answer,) = FrameDecoder().feed(lock.answer(encode_frame(frame)))
    assert isinstance(answer, Frame)
    return answer


def _ask(lock: SimulatedLock, session: BridgeSession, body: bytes) -> bytes:
    return session.open(_said(lock, session.seal(body)))


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


def _with_crc(data: bytes) -> bytes:
    return data + int(crc16(data)).to_bytes(2, "big")


def _stream(data: bytes) -> bytes:
    return b"\0" + cobs_encode(data) + b"\0"


def _values(block: str) -> dict[str, str]:
    lines = [re.sub(r"(^|  )#.*", "", line) for line in block.splitlines()]
    joined = re.sub(r"\n +", " ", "\n".join(line.rstrip() for line in lines if line.strip()))
    pairs = [line.split(" =", 1) for line in joined.splitlines()]
    assert len(pairs) == len({name for name, _ in pairs})
    return {name: value.strip() for name, value in pairs}


def _bytes(text: str) -> bytes:
    first, dots, last = text.partition("..")
    return bytes(range(int(first, 16), int(last, 16) + 1)) if dots else bytes.fromhex(text)


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
    *(message.method for message in MESSAGES.values() if message.method != "unpair"),
    "unreadable",
    "unpair",
]
