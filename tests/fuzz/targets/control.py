"""Lines at the control socket: each is answered, in JSON, and what is refused is not repeated."""

import json
from functools import cache

from firmware_sim.control import answer
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator
from tests.firmware_sim.bench import ANNA, Bench, peer_of


class _Unhurried(Simulator):
    """A lock that nothing wakes: it needs no loop."""

    def _set_timer(self) -> None:
        """Time does not pass here."""


def fuzz(data: bytes) -> None:
    """Take the bytes as one line."""
    said = answer(_simulator(), data)
    assert json.loads(json.dumps(said)) == said
    if not said["ok"]:
        assert not any(character.isdigit() for character in said["error"])
    elif said.get("granted"):
        assert ANNA.digits in json.loads(data)["digits"]


@cache
def _simulator() -> Simulator:
    """A lock with one pin, the same for every line."""
    bench = Bench()
    peer_of(bench).created(ANNA)
    assert isinstance(bench.flash, NorFlash)
    return _Unhurried(bench.flash, slots=3)


def seeds() -> list[bytes]:
    """Return every command, with values that fit and values that do not."""
    lines: list[object] = [
        {"do": "enter", "digits": ANNA.digits},
        {"do": "enter", "digits": ""},
        {"do": "enter", "digits": "\ud800"},
        *({"do": "hold-button", "seconds": seconds} for seconds in (0.5, 5, -1, True, 10**400)),
        {"do": "power-cycle"},
        *({"do": "clock", "set": epoch} for epoch in (1, 0, 2**32, 1.5)),
        {"do": "clock", "lose": True},
        {"do": "state"},
        {"do": ["state"]},
        ["state"],
        13579,
    ]
    return [*(json.dumps(line).encode() for line in lines), b"", b"{", b"[" * 99, b"NaN", b"\xff", b"9" * 99]
