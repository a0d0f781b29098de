"""What to compare where lock and bench do not come to a session, for whoever writes the lock's side.

The numbers in the sentences are sections of SPEC.md; section 11 has the keys and the hellos with which a lock's `h` and
`ck` can be compared message by message.
"""

from protocol.messages.hello import HelloFlag, HelloResponse, Mode

_FIRST_OF_PAIRING = (Mode.PAIR, 0)
_THIRD_OF_PAIRING = (Mode.PAIR, 1)
_FIRST_OF_SESSION = (Mode.SESSION, 0)
_SENT = {
    _FIRST_OF_PAIRING: "first message of a pairing",
    _THIRD_OF_PAIRING: "third message of a pairing",
    _FIRST_OF_SESSION: "first message of a session",
}
_SIZES = {Mode.PAIR: 96, Mode.SESSION: 48}
"""Bytes of the lock's message (4.3)."""
_REFUSED = {
    _FIRST_OF_PAIRING: "It has a tag already: with the keys and hellos of section 11, compare h and ck behind "
    "message_1, first for the prologue (4.3), then for e, which a PSK mixes into the key.",
    _THIRD_OF_PAIRING: "With it the label enters: is it this lock's? Where it is, compare the pairing key (4.4), "
    "then, with the keys of section 11, h and ck behind message_3.",
    _FIRST_OF_SESSION: "Either it does not know this peer (4.5, 4.6), or its KK differs: with the keys of section 11, "
    "compare h and ck behind message_1. KK's name is taken as it is, and the bridge's static key is hashed before the "
    "lock's (4.3).",
}
_NOTHING_YET, _FIRST_FRAMES = -1, 0
_UNOPENED = {
    _NOTHING_YET: " Nothing from this lock has authenticated yet, so its keys may be wrong: the first key of Split() "
    "is for what the bridge sends, the second for what the lock sends; the associated data is the 8 header bytes as "
    "sent, whose length counts the tag (4.7).",
    _FIRST_FRAMES: " Only frames of counter 0 have authenticated yet: the nonce's counter is little-endian (4.7).",
}


def sent(mode: Mode, counter: int) -> str:
    """Return what the bridge's handshake message of this counter is."""
    return _SENT[mode, counter]


def refused(lock: HelloResponse, mode: Mode, counter: int) -> str:
    """Return what REFUSED says in answer to the bridge's handshake message of this counter."""
    told = f"The lock refused the {sent(mode, counter)}."
    if (mode, counter) == _FIRST_OF_PAIRING and HelloFlag.PAIRING_OPEN not in lock.flags:
        return f"{told} Its hello says that its pairing window is closed: was its button held?"
    return f"{told} {_REFUSED[mode, counter]}"


def unreadable(mode: Mode, body: bytes) -> str:
    """Return what is wrong with the lock's own handshake message."""
    told, size = f"The lock's answer to the {sent(mode, 0)} does not authenticate", _SIZES[mode]
    if len(body) < size:
        return f"{told}: it has {len(body)} bytes, and {size} are due (4.3)."
    return f"{told}. With the keys of section 11, compare h and ck behind message_2; the lock is the responder."


def unopened(highest: int) -> str:
    """Return what may be wrong with a sealed frame; `highest` is the highest counter of one that was right, or -1."""
    return _UNOPENED.get(highest, "")


def no_session(highest: int) -> str:
    """Return what may be wrong where the lock says by REFUSED that it has no session; `highest` as above."""
    if highest != _NOTHING_YET:
        return ""
    return (
        " The last message of a handshake has to make a candidate, and the first frame that authenticates under it the "
        "session (4.3, 4.7)."
    )
