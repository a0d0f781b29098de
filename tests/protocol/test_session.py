"""Hello and session: what an enemy on the line may do to frames, and that each request is performed at most once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from protocol.errors import AuthenticationError, MisuseError
from protocol.framing import Frame, Kind, check_frame, crc16, pack_header
from protocol.session import MAX_AGE, MAX_REQUESTS, BridgeSession, LockSession, Received, Verdict, accepting, prologue
from protocol.version import TAG_SIZE
from tests.protocol.handshakes import VERSION, Ends, finish, hellos, pairing, session, sessions

CANARY = b"8640197"

both = pytest.mark.parametrize("make", [pairing, session])


def changed_hellos() -> list[tuple[str, Frame, Frame]]:
    """Both hellos with one thing of one of them changed: each byte of the bodies and each field of the headers."""
    request, response = hellos()
    return [
        *((f"request, {what}", changed, response) for what, changed in changes(request)),
        *((f"response, {what}", request, changed) for what, changed in changes(response)),
    ]


def changes(frame: Frame) -> list[tuple[str, Frame]]:
    return [
        ("version", replace(frame, version=1)),
        ("kind", replace(frame, kind=Kind.HANDSHAKE)),
        ("length", replace(frame, body=frame.body + b"\x00")),
        *((f"counter bit {bit}", replace(frame, counter=frame.counter ^ 1 << bit)) for bit in (0, 9, 18, 27)),
        *((f"body byte {at}", flip_body(frame, at, at % 8)) for at in range(len(frame.body))),
    ]


def flip_body(frame: Frame, at: int, bit: int) -> Frame:
    body = bytearray(frame.body)
    body[at] ^= 1 << bit
    return replace(frame, body=bytes(body))


def asked(bridge: BridgeSession, lock: LockSession, body: bytes = b"ask") -> tuple[Frame, Frame]:
    """One exchange from end to end: its request and its answer."""
    request = bridge.seal(body)
    assert lock.receive(request).verdict is Verdict.FRESH
    answer = lock.answer(b"done " + body)
    assert bridge.open(answer) == b"done " + body
    return request, answer


def test_the_prologue_is_a_name_the_chosen_version_and_both_hellos_as_sent() -> None:
    assert prologue(VERSION, *hellos()) == b"latchwire 1" + bytes.fromhex(
        "00 01 11223344 0007  01 01 02 01020304"
        "00 02 11223344 0018  01 01 01 a0b0c0d0 03 000102030405060708090a0b0c0d0e0f"
    )


@both
def test_equal_prologues_let_a_handshake_finish(make: Callable[[bytes, bytes], Ends]) -> None:
    assert finish(make(prologue(VERSION, *hellos()), prologue(VERSION, *hellos())))


@both
@pytest.mark.parametrize(("request_", "response"), [pytest.param(*pair, id=title) for title, *pair in changed_hellos()])
def test_a_change_of_any_byte_of_either_hello_ends_the_handshake_at_its_first_message(
    make: Callable[[bytes, bytes], Ends], request_: Frame, response: Frame
) -> None:
    bridge, lock = make(prologue(VERSION, *hellos()), prologue(VERSION, request_, response))
    with pytest.raises(AuthenticationError):
        lock.read(bridge.write())


@both
def test_a_first_message_recorded_under_other_random_bytes_is_worthless(make: Callable[[bytes, bytes], Ends]) -> None:
    then, now = (prologue(VERSION, *hellos(random)) for random in (bytes(16), bytes(15) + b"\x01"))
    assert then != now
    recorded = make(then, then)[0].write()
    with pytest.raises(AuthenticationError):
        make(now, now)[1].read(recorded)


@both
def test_another_chosen_version_ends_the_handshake(make: Callable[[bytes, bytes], Ends]) -> None:
    bridge, lock = make(prologue(1, *hellos()), prologue(2, *hellos()))
    with pytest.raises(AuthenticationError):
        lock.read(bridge.write())


def test_requests_count_from_zero_and_answers_carry_the_counter_of_their_request() -> None:
    bridge, lock = sessions()
    for counter in range(5):
        request, answer = asked(bridge, lock, b"%d" % counter)
        assert (request.version, request.kind, request.counter) == (VERSION, Kind.TRANSPORT, counter)
        assert (answer.version, answer.kind, answer.counter) == (VERSION, Kind.TRANSPORT, counter)
        assert len(request.body) == 1 + TAG_SIZE


def test_a_repeated_request_gets_the_identical_answer_as_often_as_it_comes() -> None:
    bridge, lock = sessions()
    request, answer = asked(bridge, lock)
    for _ in range(3):
        repeated = lock.receive(request)
        assert (repeated.verdict, repeated.answer, repeated.body) == (Verdict.REPEATED, answer, b"")
    asked(bridge, lock)


def test_while_a_request_is_under_way_everything_is_ignored_and_its_answer_is_its_own() -> None:
    bridge, lock = sessions()
    first = bridge.seal(b"first")
    assert lock.receive(first).verdict is Verdict.FRESH
    second = bridge.seal(b"second")
    for frame in (first, second, first):
        assert lock.receive(frame) == Received(verdict=Verdict.IGNORED)
    assert lock.answer(b"done first").counter == first.counter
    assert lock.receive(second).body == b"second"


def test_older_and_newer_counters_are_ignored_and_the_expected_one_is_taken() -> None:
    bridge, lock = sessions()
    recorded = [asked(bridge, lock)[0] for _ in range(4)]
    following, after = bridge.seal(b"next"), bridge.seal(b"after")
    for frame in (*recorded[:-1], after):
        assert lock.receive(frame).verdict is Verdict.IGNORED
    assert lock.receive(following).body == b"next"


def test_frames_of_another_session_are_ignored_at_both_ends() -> None:
    bridge, lock = sessions()
    request, answer = asked(*sessions(pairing()))
    assert lock.receive(request).verdict is Verdict.IGNORED
    mine = bridge.seal(b"mine")
    with pytest.raises(AuthenticationError):
        bridge.open(answer)
    assert lock.receive(mine).verdict is Verdict.FRESH


def tampered(frame: Frame) -> list[Frame]:
    """Every frame that one flipped bit makes of `frame`, its CRC put right, as far as the framing lets it pass."""
    signed = frame.signed()
    frames = []
    for bit in range(8 * len(signed)):
        data = bytearray(signed)
        data[bit // 8] ^= 1 << bit % 8
        found = check_frame(bytes(data) + crc16(data).to_bytes(2, "big"))
        frames += [found] if isinstance(found, Frame) else []
    return frames


def test_a_flip_of_any_bit_of_a_request_is_ignored_and_the_right_one_is_still_taken() -> None:
    bridge, lock = sessions()
    request = bridge.seal(b"request")
    for frame in [*tampered(request), *(replace(request, body=request.body[:cut]) for cut in range(len(request.body)))]:
        assert lock.receive(frame).verdict is Verdict.IGNORED
    assert lock.receive(request).body == b"request"
    answer = lock.answer(b"done")
    for frame in tampered(request):
        assert lock.receive(frame).verdict is Verdict.IGNORED
    assert lock.receive(request).answer == answer


def test_a_flip_of_any_bit_of_an_answer_is_refused_and_the_right_one_is_still_taken() -> None:
    bridge, lock = sessions()
    lock.receive(bridge.seal(b"request"))
    answer = lock.answer(b"done")
    for frame in [*tampered(answer), *(replace(answer, body=answer.body[:cut]) for cut in range(len(answer.body)))]:
        with pytest.raises(AuthenticationError):
            bridge.open(frame)
    assert bridge.open(answer) == b"done"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.TRANSPORT])
def test_a_sealed_body_in_a_frame_of_another_kind_is_ignored_at_both_ends(kind: Kind) -> None:
    bridge, lock = sessions()
    request = bridge.seal(b"request")
    assert lock.receive(replace(request, kind=kind)).verdict is Verdict.IGNORED
    lock.receive(request)
    with pytest.raises(AuthenticationError):
        bridge.open(replace(lock.answer(b"done"), kind=kind))


def test_a_bridge_takes_its_own_request_an_older_answer_or_any_answer_before_a_request_for_nothing() -> None:
    bridge, lock = sessions()
    unasked = Frame(version=VERSION, kind=Kind.TRANSPORT, counter=0, body=bytes(20))
    with pytest.raises(AuthenticationError):
        bridge.open(unasked)
    _, older = asked(bridge, lock)
    request = bridge.seal(b"request")
    accept = accepting(bridge)
    assert [accept(frame) for frame in (older, request, unasked)] == [None, None, None]
    lock.receive(request)
    assert accept(lock.answer(b"done")) == b"done"


def test_a_lock_takes_its_own_answer_for_nothing() -> None:
    bridge, lock = sessions()
    _, answer = asked(bridge, lock)
    assert lock.receive(answer).verdict is Verdict.IGNORED
    assert lock.receive(replace(answer, counter=1)).verdict is Verdict.IGNORED


def test_an_answer_is_sealed_once_and_only_to_a_request() -> None:
    bridge, lock = sessions()
    with pytest.raises(MisuseError):
        lock.answer(b"unasked")
    asked(bridge, lock)
    with pytest.raises(MisuseError):
        lock.answer(b"twice")


def test_both_ends_are_spent_after_the_last_counter_and_still_repeat_the_last_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 3)
    bridge, lock = sessions()
    for _ in range(2):
        asked(bridge, lock)
    assert (bridge.spent, lock.spent) == (False, False)
    last = bridge.seal(b"last")
    assert lock.receive(last).verdict is Verdict.FRESH
    assert (bridge.spent, lock.spent) == (True, False)
    answer = lock.answer(b"done")
    assert lock.spent
    assert bridge.open(answer) == b"done"
    assert lock.receive(last).answer == answer
    with pytest.raises(MisuseError):
        bridge.seal(b"one too many")


def test_a_lock_takes_no_counter_beyond_the_last_even_when_it_authenticates(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge, lock = sessions()
    frames = [bridge.seal(b"%d" % counter) for counter in range(4)]
    monkeypatch.setattr("protocol.session.MAX_REQUESTS", 3)
    for frame in frames[:3]:
        assert lock.receive(frame).verdict is Verdict.FRESH
        lock.answer(b"done")
    assert lock.receive(frames[3]).verdict is Verdict.IGNORED


def test_a_session_ends_long_before_a_counter_could_repeat() -> None:
    assert (MAX_REQUESTS, MAX_AGE) == (65536, 86400)
    assert pack_header(VERSION, Kind.TRANSPORT, MAX_REQUESTS - 1, 0)[2:6] == b"\x00\x00\xff\xff"


def test_no_repr_shows_the_body_of_a_request() -> None:
    bridge, lock = sessions()
    request = bridge.seal(CANARY)
    received = lock.receive(request)
    assert received.body == CANARY
    assert CANARY.decode() not in f"{received!r} {request!r}"


class Line(RuleBasedStateMachine):
    """A line that an enemy owns: each frame comes late, twice, changed, to the wrong end, in any order, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.bridge, self.lock = sessions()
        self.captured: list[Frame] = []
        self.asked: list[bytes] = []
        self.performed: list[bytes] = []
        self.under_way = False
        self.last_answer: Frame | None = None

    @rule()
    def bridge_asks(self) -> None:
        self.asked.append(b"request %d" % len(self.asked))
        self.captured.append(self.bridge.seal(self.asked[-1]))

    @rule()
    def lock_answers(self) -> None:
        if self.under_way:
            self.last_answer = self.lock.answer(b"done " + self.performed[-1])
            self.captured.append(self.last_answer)
            self.under_way = False

    @rule(back=st.integers(0, 30))
    def lock_hears(self, back: int) -> None:
        for frame in self.captured[::-1][back : back + 1]:
            self._lock_hears(frame)

    @rule(back=st.integers(0, 30), at=st.integers(0, 15), bit=st.integers(0, 7), shift=st.integers(-2, 2))
    def lock_hears_a_changed_frame(self, back: int, at: int, bit: int, shift: int) -> None:
        for frame in self.captured[::-1][back : back + 1]:
            self._lock_hears(flip_body(frame, at, bit))
            self._lock_hears(replace(frame, counter=abs(frame.counter + shift)))

    @rule(back=st.integers(0, 30))
    def bridge_hears(self, back: int) -> None:
        for frame in self.captured[::-1][back : back + 1]:
            body = accepting(self.bridge)(frame)
            assert body in {None, b"done " + self.asked[-1]}

    def _lock_hears(self, frame: Frame) -> None:
        received = self.lock.receive(frame)
        if received.verdict is Verdict.FRESH:
            assert not self.under_way
            self.performed.append(received.body)
            self.under_way = True
        elif received.verdict is Verdict.REPEATED:
            assert not self.under_way
            assert received.answer == self.last_answer
        else:
            assert received.answer is None

    @invariant()
    def each_request_is_performed_at_most_once_and_in_order(self) -> None:
        assert self.performed == self.asked[: len(self.performed)]


def test_whatever_an_enemy_does_to_the_line_each_request_is_performed_at_most_once_and_in_order() -> None:
    run_state_machine_as_test(Line, settings=settings(max_examples=50, stateful_step_count=40, deadline=None))
