"""What to compare where a handshake does not go on, for whoever writes the lock's side; the numbers are SPEC.md's."""

from protocol.messages.hello import HelloFlag, HelloResponse, Mode

_SENT = {
    (Mode.PAIR, 0): "first message of a pairing",
    (Mode.PAIR, 1): "third message of a pairing",
    (Mode.SESSION, 0): "first message of a session",
}
_SIZES = {Mode.PAIR: 96, Mode.SESSION: 48}
"""Bytes of the lock's message (4.3)."""
_REFUSED = {
    (Mode.PAIR, 0): "It has a tag already. Compare h and ck behind it with message_1 in section 11: first the prologue "
    "(4.3), then e, which a PSK mixes into the key.",
    (
        Mode.PAIR,
        1,
    ): "With it the label enters: is it this lock's? Where it is, compare the pairing key (4.4), then h and "
    "ck behind message_3 in section 11.",
    (
        Mode.SESSION,
        0,
    ): "Either it does not know this peer (4.5, 4.6), or its KK differs: compare h and ck behind message_1 "
    "in section 11. KK's name is taken as it is, and the bridge's static key is hashed before the lock's (4.3).",
}

_UNPROVEN = {
    -1: " Nothing from this lock has authenticated yet, so its keys may be wrong: the first key of Split() is for what "
    "the bridge sends, the second for what the lock sends; the header's length counts the tag (4.7).",
    0: " Only frames of counter 0 have authenticated yet: the nonce's counter is little-endian, and each session "
    "begins with 0 in both directions (4.7).",
}


def unproven(counter: int) -> str:
    """Return what to compare where a frame does not authenticate, and none has with a counter above this one, or -1."""
    return _UNPROVEN.get(counter, "")


def sent(mode: Mode, counter: int) -> str:
    """Return what the bridge's message of this counter is."""
    return _SENT[mode, counter]


def refused(lock: HelloResponse, mode: Mode, counter: int) -> str:
    """Return what a REFUSED in answer to the bridge's message of this counter says, and what to compare."""
    told = f"The lock refused the {sent(mode, counter)}."
    if (mode, counter) == (Mode.PAIR, 0) and HelloFlag.PAIRING_OPEN not in lock.flags:
        return f"{told} Its hello says that its pairing window is closed: was its button held?"
    return f"{told} {_REFUSED[mode, counter]}"


def unreadable(mode: Mode, body: bytes) -> str:
    """Return what is wrong with the lock's own message, and what to compare."""
    told, size = f"The lock's answer to the {sent(mode, 0)} does not authenticate", _SIZES[mode]
    if len(body) < size:
        return f"{told}: it has {len(body)} bytes, and {size} are due (4.3)."
    return f"{told}. Compare h and ck behind message_2 in section 11; the lock is the responder."
