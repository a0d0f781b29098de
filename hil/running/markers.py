"""Which tests of a lock are skipped, and why: for want of hands, of capabilities, of a person, of time, of leave.

`requires` takes members of Hand and Capability, or their names in small letters where one of the two alone has it.
"""

from collections.abc import Iterable

import pytest

from protocol.vocabulary import Capability

from ..hands import Hand, Hands
from .facts import Facts, names

_HANDS = {hand.value: hand for hand in Hand}
_CAPABILITIES = {str(each.name).lower(): each for each in Capability}
_SWITCHES = {
    "operator": "This test needs a person at the lock: give --lock-operator, and be there.",
    "realtime": "This test needs real time to pass: give --lock-realtime to wait for it.",
    "destructive": "This test takes from the lock what its owner may want to keep: give --lock-destructive.",
}


def declare(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (
        "req(id): the requirement of the protocol that a test checks",
        "requires(*names): skip where the target has not all of these hands and capabilities",
        "operator: needs a person at the lock; skipped without --lock-operator",
        "realtime: needs real time to pass; skipped without --lock-realtime",
        "destructive: takes from the lock what its owner may want to keep; skipped at a real one without "
        "--lock-destructive",
    ):
        config.addinivalue_line("markers", line)


def skip_what_is_switched_off(items: Iterable[pytest.Item], switched: set[str]) -> None:
    """Mark the tests to be skipped whose marker's switch is not among `switched`."""
    for item in items:
        for name, why in _SWITCHES.items():
            if name not in switched and item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=why))


def required(item: pytest.Item) -> tuple[set[Hand], Capability]:
    """Return the hands and the capabilities that a test asks for; fail it where something is neither."""
    hands: set[Hand] = set()
    capabilities = Capability(0)
    for mark in item.iter_markers("requires"):
        for wanted in mark.args:
            meant = _meant(item, wanted)
            if isinstance(meant, Hand):
                hands.add(meant)
            else:
                capabilities |= meant
    return hands, capabilities


def require(item: pytest.Item, hands: Hands, facts: Facts) -> None:
    """Skip a test that asks for more than this one target has."""
    wanted, capabilities = required(item)
    if missing := wanted - hands.able:
        pytest.skip(f"This target has no hand for {' and '.join(sorted(missing))}.")
    if lacking := capabilities & ~facts.told:
        pytest.skip(f"This lock has not the capabilities that the test asks for: {names(lacking)}.")


def _meant(item: pytest.Item, wanted: object) -> Hand | Capability:
    if isinstance(wanted, Hand | Capability):
        return wanted
    hand, capability = _HANDS.get(str(wanted)), _CAPABILITIES.get(str(wanted))
    if hand and capability:
        one = f"requires(Hand.{hand.name}) or requires(Capability.{capability.name})"
        pytest.fail(f"{item.nodeid}: {wanted!r} is a hand and a capability. Write {one}.", pytrace=False)
    if meant := hand or capability:
        return meant
    known = ", ".join(sorted({*_HANDS, *_CAPABILITIES}))
    pytest.fail(f"{item.nodeid}: nothing is called {wanted!r} that can be required; there are {known}.", pytrace=False)
