"""Power cut at every flash operation of a story, with every model of a torn one; the counts say how often.

A story is made of steps. Each step is done on a copy of the world as those before have left it, once for each of its
flash operations, and power is lost in that one. What the next boot finds must be the state before the step or after it.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from random import Random

from firmware_sim.errors import PowerCut
from firmware_sim.failing_flash import FailingFlash, Tear
from firmware_sim.flash import NorFlash
from firmware_sim.record_log import Damage
from firmware_sim.store import Store
from tests.firmware_sim.flashes import REGION, SMALL, Changes, Values, changed, drawn, raw


@dataclass(slots=True)
class Cuts:
    """How many cuts were made and survived."""

    single: int = 0
    double: int = 0


class _World:
    """A store on flash that can lose power."""

    def __init__(self) -> None:
        self.flash = FailingFlash(NorFlash(SMALL))
        self.store = Store.mount(self.flash, REGION)

    def do(self, step: Changes | None) -> None:
        """Commit, or boot where there is nothing to commit."""
        if step is None:
            self.store = Store.mount(self.flash, REGION)
        else:
            self.store.commit(step)


def story(seed: int, steps: int) -> Iterator[Changes | None]:
    """Yield commits and boots (None); no two values are the same, so that each can be looked for in flash."""
    chance = Random(seed)  # noqa: S311  a failure must be repeatable
    fresh = (b"v%06d" % number * chance.randint(1, 4) for number in count())
    for _ in range(steps):
        if chance.random() < 0.15:
            yield None
            continue
        keys = chance.sample(range(4), chance.randint(1, 3))
        yield {key: None if chance.random() < 0.3 else next(fresh) for key in keys}


def cut_store(seed: int, steps: int, cuts: Cuts, *, doubles: int = 0) -> None:
    """Cut every flash operation of a story of a store; after each cut, cut the first `doubles` of the boot as well."""
    world, values, gone = _World(), Values(), set[bytes]()
    for step in story(seed, steps):
        after = changed(values, step or {})
        gone |= set(values.values()) - set(after.values())
        for tear in Tear:
            _cut_step(world, step, tear, [values, after], gone, cuts, doubles)
        world.do(step)
        values = after
        _check_gone(world.flash, gone - set(values.values()))


def _cut_step(
    world: _World,
    step: Changes | None,
    tear: Tear,
    allowed: list[Values],
    gone: set[bytes],
    cuts: Cuts,
    doubles: int,
) -> None:
    for cut in count(1):
        tried = deepcopy(world)
        tried.flash.cut_after(cut, tear, drawn(cut))
        try:
            tried.do(step)
        except PowerCut:
            cuts.single += 1
        else:
            return
        for second in range(1, doubles + 1):
            if not _cut_boot(tried.flash, second, tear, allowed, gone):
                break
            cuts.double += 1
        _check(tried.flash, allowed, gone)


def _cut_boot(flash: FailingFlash, cut: int, tear: Tear, allowed: list[Values], gone: set[bytes]) -> bool:
    """Boot on a copy and lose power again; return whether the boot was long enough for that."""
    again = deepcopy(flash)
    again.cut_after(cut, tear, drawn(cut))
    try:
        Store.mount(again, REGION)
    except PowerCut:
        _check(again, allowed, gone)
        return True
    return False


def _check(flash: FailingFlash, allowed: list[Values], gone: set[bytes]) -> None:
    store = Store.mount(flash, REGION)
    values = dict(store.items())
    assert values in allowed
    assert store.damage == Damage()
    _check_gone(flash, gone - set(values.values()))
    store.commit({9: b"goes on"})
    assert dict(Store(flash, REGION).items()) == {**values, 9: b"goes on"}


def _check_gone(flash: FailingFlash, gone: set[bytes]) -> None:
    image = raw(flash)
    assert not [value for value in gone if value in image]
