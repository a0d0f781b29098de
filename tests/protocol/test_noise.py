"""Handshakes: the published vectors, and every hostile message ending in AuthenticationError and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import AuthenticationError
from protocol.noise import PAIRING, SESSION, Handshake, peer_id, public_key
from tests.protocol.handshakes import (
    BRIDGE_EPHEMERAL,
    BRIDGE_STATIC,
    LOCK_STATIC,
    STRANGER,
    Ends,
    finish,
    pairing,
    session,
)

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "noise_vectors.json"

Make = Callable[[], Ends]

TURNS: list[tuple[Make, int]] = [(pairing, 0), (pairing, 1), (pairing, 2), (session, 0), (session, 1)]
"""Every message of both handshakes."""
KEYS_SENT: list[tuple[Make, int, str]] = [
    (pairing, 0, "e"),
    (pairing, 1, "e"),
    (pairing, 1, "s"),
    (pairing, 2, "s"),
    (session, 0, "e"),
    (session, 1, "e"),
]
"""Every public key in them, ephemeral or static."""

every_turn = pytest.mark.parametrize(("make", "turn"), TURNS)
both = pytest.mark.parametrize("make", [pairing, session])

P = 2**255 - 19
ORDER_EIGHT = [
    int.from_bytes(bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), "little"),
    int.from_bytes(bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"), "little"),
]
LOW_ORDER = [
    (point | high << 255).to_bytes(32, "little") for point in (0, 1, P - 1, P, P + 1, *ORDER_EIGHT) for high in (0, 1)
]
"""Every encoding of the points whose shared secret is zero (RFC 7748, section 6.1); the highest bit is ignored."""


def before(make: Make, turn: int) -> Ends:
    """Writer and reader of message `turn`, which is still to be written."""
    writer, reader = make()
    for _ in range(turn):
        reader.read(writer.write())
        writer, reader = reader, writer
    return writer, reader


def assert_refused(make: Make, turn: int, message: bytes) -> None:
    reader = before(make, turn)[1]
    with pytest.raises(AuthenticationError):
        reader.read(message)
    assert not reader.finished


def published(suite: bytes) -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("the published Noise vectors, shared/data/noise_vectors.json beside the checkout, are not at hand")
    sources: dict[str, list[dict[str, Any]]] = json.loads(VECTORS.read_text())
    (vector,) = [each for source in sources.values() for each in source if each["protocol_name"] == suite.decode()]
    return vector


def end_of(vector: dict[str, Any], side: str) -> Handshake:
    keys = {name: bytes.fromhex(vector.get(f"{side}_{name}", "")) for name in ("static", "ephemeral", "remote_static")}
    return Handshake(
        initiator=side == "init",
        static=keys["static"],
        ephemeral=keys["ephemeral"],
        prologue=bytes.fromhex(vector[f"{side}_prologue"]),
        psk=bytes.fromhex(vector[f"{side}_psks"][0]) if f"{side}_psks" in vector else None,
        remote_static=keys["remote_static"] or None,
    )


@pytest.mark.parametrize(("suite", "turns"), [(PAIRING, 3), (SESSION, 2)])
def test_the_published_vectors_pass_byte_by_byte(suite: bytes, turns: int) -> None:
    vector = published(suite)
    ends = end_of(vector, "init"), end_of(vector, "resp")
    for number, message in enumerate(vector["messages"]):
        writer, reader = ends[number % 2], ends[1 - number % 2]
        payload, coded = bytes.fromhex(message["payload"]), bytes.fromhex(message["ciphertext"])
        if number < turns:
            assert (writer.write(payload), reader.read(coded)) == (coded, payload)
        else:
            counter = (number - turns) // 2
            assert writer.ciphers.seal(counter, b"", payload) == coded
            assert reader.ciphers.open(counter, b"", coded) == payload
    assert len(vector["messages"]) > turns + 2


@both
def test_both_ends_know_each_other_and_talk_both_ways_under_any_counter(make: Make) -> None:
    bridge, lock = make()
    finish((bridge, lock))
    assert (bridge.remote_static, lock.remote_static) == (public_key(LOCK_STATIC), public_key(BRIDGE_STATIC))
    for sender, receiver in ((bridge.ciphers, lock.ciphers), (lock.ciphers, bridge.ciphers)):
        sealed = {counter: sender.seal(counter, b"header", b"%d" % counter) for counter in (0, 1, 255, 1 << 16)}
        for counter in reversed(sealed):
            assert receiver.open(counter, b"header", sealed[counter]) == b"%d" % counter
            with pytest.raises(AuthenticationError):
                receiver.open(counter + 1, b"header", sealed[counter])
            with pytest.raises(AuthenticationError):
                receiver.open(counter, b"Header", sealed[counter])
            with pytest.raises(AuthenticationError):
                sender.open(counter, b"header", sealed[counter])


@both
def test_a_handshake_takes_its_random_bytes_from_its_arguments_alone(make: Make) -> None:
    assert finish(make()) == finish(make())
    assert finish(make())[0][:32] == public_key(BRIDGE_EPHEMERAL)


def test_a_wrong_label_is_seen_by_the_lock_alone_and_at_the_third_message() -> None:
    bridge, lock = pairing(bridge_psk=STRANGER)
    lock.read(bridge.write())
    bridge.read(lock.write())
    third = bridge.write()
    assert bridge.finished
    with pytest.raises(AuthenticationError):
        lock.read(third)
    assert not lock.finished


def test_a_bridge_that_the_lock_does_not_know_is_refused_at_its_first_message() -> None:
    bridge, lock = session(bridge_static=STRANGER)
    with pytest.raises(AuthenticationError):
        lock.read(bridge.write())


@every_turn
def test_a_message_that_is_changed_cut_or_drawn_out_anywhere_is_refused(make: Make, turn: int) -> None:
    message = before(make, turn)[0].write()  # the same each time, for its random bytes are
    for at, byte in enumerate(message):
        assert_refused(make, turn, message[:at] + bytes([byte ^ 0x80]) + message[at + 1 :])
        assert_refused(make, turn, message[:at])
    assert_refused(make, turn, message + b"\x00")


@every_turn
@given(st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_invented_messages_are_refused(make: Make, turn: int, invented: bytes) -> None:
    assert_refused(make, turn, invented)


@every_turn
def test_after_a_refused_message_even_the_right_one_is_refused(make: Make, turn: int) -> None:
    writer, reader = before(make, turn)
    message = writer.write()
    for tried in (message[:-1], message):
        with pytest.raises(AuthenticationError):
            reader.read(tried)


@both
def test_a_message_that_arrives_after_the_last_one_is_refused(make: Make) -> None:
    ends = make()
    message = finish(ends)[0]
    for end in ends:
        with pytest.raises(AuthenticationError):
            end.read(message)


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex())
def test_the_listed_points_have_no_shared_secret(point: bytes) -> None:
    with pytest.raises(ValueError, match="shared key"):
        X25519PrivateKey.from_private_bytes(LOCK_STATIC).exchange(X25519PublicKey.from_public_bytes(point))


@pytest.mark.parametrize(("make", "turn", "key"), KEYS_SENT)
@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex())
def test_a_low_order_point_in_the_place_of_any_key_ends_in_the_one_generic_error(
    make: Make, turn: int, key: str, point: bytes
) -> None:
    writer, reader = before(make, turn)
    getattr(writer._state, key).public_bytes = point  # otherwise an honest message, so that only the point is wrong
    message = writer.write()
    with pytest.raises(AuthenticationError):
        answer(reader, message)
    assert not reader.finished


def answer(reader: Handshake, message: bytes) -> bytes:
    """Some patterns meet the point only when they write their answer."""
    reader.read(message)
    return reader.write()


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda point: point.hex())
def test_a_lock_whose_stored_key_is_a_low_order_point_gets_no_session(point: bytes) -> None:
    bridge = Handshake(
        initiator=True, static=BRIDGE_STATIC, ephemeral=BRIDGE_EPHEMERAL, prologue=b"", remote_static=point
    )
    with pytest.raises(AuthenticationError):
        bridge.write()


def test_no_error_of_a_handshake_says_why() -> None:
    texts = set()
    for change in (b"", bytes(32), bytes(48), bytes(200)):
        with pytest.raises(AuthenticationError) as caught:
            before(session, 0)[1].read(change)
        texts.add(str(caught.value))
    assert len(texts) == 1


def test_public_keys_are_those_of_rfc_7748() -> None:
    private = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"  # section 6.1
    public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert public_key(bytes.fromhex(private)).hex() == public


def test_a_peer_id_is_the_start_of_a_keys_hash() -> None:
    assert peer_id(bytes(32)) == 0x66687AAD
    assert peer_id(public_key(BRIDGE_STATIC)) != peer_id(public_key(LOCK_STATIC))
