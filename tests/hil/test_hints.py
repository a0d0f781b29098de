"""A firmware whose handshakes are wrong: the bench says which message has failed, and what to compare."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware_sim import links
from firmware_sim.factory import Factory
from firmware_sim.simulator import Simulator
from protocol.framing import Frame, Kind
from protocol.noise import Ciphers, Handshake
from protocol.session import LockSession, prologue
from tests.hil.runs import run, suite

Plant = Callable[[pytest.MonkeyPatch], None]

KNOWS = "def test_it(session):\n    pass\n"


def other_prologue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(links, "prologue", lambda *parts: prologue(*parts) + b"\0")


def other_prologue_of_sessions(patch: pytest.MonkeyPatch) -> None:
    def begun(**given: Any) -> Handshake:
        return Handshake(**given | ({} if given["psk"] else {"prologue": given["prologue"] + b"\0"}))

    patch.setattr(links, "Handshake", begun)


def other_pairing_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Factory, "pairing_key", lambda _: bytes(32))


def window_that_stays_closed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Simulator, "hold_button", lambda *_: None)


def writes(change: Callable[[bytes], bytes]) -> Plant:
    """Return what lets a lock send another handshake message than Noise would."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        class Other(Handshake):
            def write(self, payload: bytes = b"") -> bytes:
                return change(super().write(payload))

        patch.setattr(links, "Handshake", Other)

    return plant


def keys(change: Callable[[Ciphers], Ciphers]) -> Plant:
    """Return what lets a lock take other keys than those that the handshake has made."""
    return lambda patch: patch.setattr(
        links, "LockSession", lambda ciphers, version: LockSession(change(ciphers), version)
    )


def swapped(ciphers: Ciphers) -> Ciphers:
    return Ciphers(ciphers._receiving, ciphers._sending)


def counting_the_other_way(ciphers: Ciphers) -> Ciphers:
    class Counting(Ciphers):
        def seal(self, counter: int, associated: bytes, plaintext: bytes) -> bytes:
            return ciphers.seal(int.from_bytes(counter.to_bytes(8, "big"), "little"), associated, plaintext)

    return Counting(ciphers._sending, ciphers._receiving)


def one_for_both(ciphers: Ciphers) -> Ciphers:
    return Ciphers(ciphers._receiving, ciphers._receiving)


def other_counter(patch: pytest.MonkeyPatch) -> None:
    answer = links.Links._answer_handshake

    def counted(*given: Any) -> Frame | None:
        frame = answer(*given)
        return frame and Frame(version=frame.version, kind=Kind.HANDSHAKE, counter=frame.counter + 1, body=frame.body)

    patch.setattr(links.Links, "_answer_handshake", counted)


def no_candidate(patch: pytest.MonkeyPatch) -> None:
    answer = links.Links._answer_handshake

    def forgotten(self: links.Links, link: Any, *given: Any) -> Frame | None:
        frame = answer(self, link, *given)
        link.candidate = None
        return frame

    patch.setattr(links.Links, "_answer_handshake", forgotten)


def answers_ahead(patch: pytest.MonkeyPatch) -> None:
    answer = LockSession.answer

    def ahead(self: LockSession, body: bytes) -> Frame:
        frame = answer(self, body)
        return replace(frame, counter=frame.counter + 1)

    patch.setattr(LockSession, "answer", ahead)


PAIRING, SESSION, NEITHER = "first message of a pairing", "first message of a session", "does not authenticate"


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (
            window_that_stays_closed,
            f"{PAIRING}. Its hello says that its pairing window is closed: was its button held?",
        ),
        (
            other_prologue,
            f"refused the {PAIRING}. It has a tag already: with the keys and hellos of section 11, compare",
        ),
        (writes(lambda body: body[:-1]), f"{PAIRING} {NEITHER}: it has 95 bytes, and 96 are due (4.3)."),
        (
            writes(lambda body: body[:-1] + b"\0"),
            f"{NEITHER}. With the keys of section 11, compare h and ck behind message_2",
        ),
        (
            other_counter,
            "was answered by HANDSHAKE of version 1 and counter 1, not by HANDSHAKE of version 1 and counter 0",
        ),
        (other_pairing_key, "refused the third message of a pairing. With it the label enters: is it this lock's?"),
        (
            no_candidate,
            "refused a frame of a session. The last message of a handshake has to make a candidate, and the",
        ),
        (
            answers_ahead,
            "answered by TRANSPORT of version 1 and counter 1, not by TRANSPORT of version 1 and counter 0",
        ),
        (
            keys(one_for_both),
            f"{NEITHER} as the answer to the last request. Nothing from this lock has authenticated yet",
        ),
        (
            keys(swapped),
            "did not answer TRANSPORT within 2 s. Nothing from this lock has authenticated yet, so its keys",
        ),
        (keys(counting_the_other_way), f"{NEITHER} as the answer to the last request. Only frames of counter 0 have"),
        (
            other_prologue_of_sessions,
            f"{SESSION}. Either it does not know this peer (4.5, 4.6), or its KK differs: with",
        ),
    ],
)
def test_a_firmware_that_cannot_pair_is_told_what_to_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant, told: str
) -> None:
    plant(monkeypatch)
    ran = run(tmp_path, suite(tmp_path, KNOWS))
    assert (ran.code, ran.ended) == (1, "1 error"), ran.text
    assert "Lock and bench could not be paired, and no test can run: " in ran.text
    assert told in " ".join(ran.text.split()), ran.text
    assert "→  hello" in ran.text  # the trace that the sentence speaks of
