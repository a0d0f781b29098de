"""Lines at the control socket: each is answered, in JSON, and what is refused is not repeated."""

import json
from functools import cache
from typing import Any

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
    asked = _asked(data)
    if not said["ok"]:
        error = said["error"].replace(f"no pin {asked.get('pin_id')}.", "")
        assert not any(character.isdigit() for character in error)
    elif said.get("granted") and asked["do"] == "enter":
        assert ANNA.digits in asked["digits"]


def _asked(data: bytes) -> dict[str, Any]:
    """Return the request that the bytes are, an empty one where they are none."""
    try:
        request = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


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
        *({"do": "clock", "drift": ppm} for ppm in (40, -40, 10**6)),
        *({"do": "clock", "advance": seconds} for seconds in (90, 0, -1)),
        *({"do": "battery", "set": percent} for percent in (100, 9, None, 101)),
        *({"do": "door", "blocked": blocked} for blocked in (True, False, None)),
        *({"do": "explain", "pin_id": 1, **more} for more in ({}, {"at": 1_790_000_000}, {"at": "now"})),
        {"do": "explain", "pin_id": 2},
        {"do": "state"},
        {"do": ["state"]},
        ["state"],
        13579,
    ]
    return [*(json.dumps(line).encode() for line in lines), b"", b"{", b"[" * 99, b"NaN", b"\xff", b"9" * 99]
