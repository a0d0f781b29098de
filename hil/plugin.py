"""The pytest plugin: options, fixtures and markers for tests that talk to a lock, simulated or real.

Tests are plain functions or coroutines; those that use a fixture of this plugin run in one event loop for the session.
"""

import asyncio
import inspect
import secrets
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from bridge.client import LockClient
from bridge.errors import LinkLost
from bridge.sessions import KnownLock
from bridge.store.keys import BridgeKeys
from bridge.wire import Wire
from firmware_sim.device import GEOMETRY
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from firmware_sim.hostile import HostileSimulator
from firmware_sim.simulator import Simulator
from protocol.exchange import Retry

from .bench import selection
from .bench.keys import KeptKey
from .bench.operator import Operator
from .bench.power import Power, PowerState
from .bench.selection import choose, key_folder, lease, leases_of_others
from .bench.targets import Spec, Target, open_target
from .errors import BenchFault, Nonconformant
from .hands import Hand, Hands
from .line import Ear, Ears
from .recording import keeping
from .recording.keeping import EAR, keep_captures
from .report import reporting
from .report.reporting import test_id
from .running import extras
from .running.facts import FACTS, Facts, ask_facts
from .running.guards import Guards
from .running.markers import declare, require
from .running.meeting import meet
from .running.resetting import reset
from .running.silence import TotalTime
from .station import Session, Station

T = TypeVar("T")
RUNNER = "lock_runner"
"""The fixture that every other fixture of a lock stands on."""
SLOTS = 20
_GUARDS = pytest.StashKey[Guards]()


class Runner:
    """The session's event loop, and the one total time of what runs in it."""

    def __init__(self, runner: asyncio.Runner, total: TotalTime) -> None:
        self._runner = runner
        self._total = total

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end; raise BenchFault where the total time is over before."""
        return self._runner.run(self._total.within(work))

    def tidy(self, work: Coroutine[Any, Any, T]) -> T:
        """Run what gives back, which has time of its own."""
        return self._runner.run(work)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of which begin with --lock-."""
    group = parser.getgroup("locks", "locks on a bench")
    selection.add_options(group)
    group.addoption("--lock-seed", type=int, metavar="N", help="repeats what a run with this seed has drawn")
    extras.add_options(group)
    keeping.add_options(group)
    reporting.add_options(group)


@pytest.hookimpl(tryfirst=True)  # a report asks pytest's own plugin for JUnit
def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, choose the targets, and draw the seed."""
    declare(config)
    choose(config)
    config.stash[_GUARDS] = Guards(config, RUNNER)
    config.pluginmanager.register(config.stash[_GUARDS], "lock-guards")
    extras.configure(config)
    if config.option.lock_seed is None:
        config.option.lock_seed = secrets.randbits(32)
    reporting.configure(config)
    keep_captures(config, RUNNER)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what is tested, and how to repeat it."""
    return f"lock: {config.option.lock_target}, seed {config.option.lock_seed} (--lock-seed repeats it)"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine that uses a lock in the session's loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or RUNNER not in pyfuncitem.fixturenames:
        return None
    runner: Runner = pyfuncitem._request.getfixturevalue(RUNNER)
    names = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    runner.run(test)
    return True


@pytest.fixture(scope="session")
def lock_runner(pytestconfig: pytest.Config) -> Iterator[Runner]:
    """The event loop of all tests that use a lock; SIGTERM ends it as Ctrl-C does, so that nothing is left running."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with asyncio.Runner() as runner:
            yield Runner(runner, pytestconfig.stash[_GUARDS].total)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def lock_build(pytestconfig: pytest.Config) -> Callable[[], Simulator]:
    """What makes the lock of a target that is simulated; override it to test another firmware."""
    luck = pytestconfig.option.lock_seed
    return lambda: HostileSimulator(FailingFlash(NorFlash(GEOMETRY)), (), luck=luck, slots=SLOTS)


@pytest.fixture(scope="session")
def lock_spec(pytestconfig: pytest.Config) -> Iterator[Spec]:
    """The target that this run has for itself: the first free one of those that it may take."""
    with lease(pytestconfig) as spec:
        pytestconfig.stash[_GUARDS].spec = spec
        yield spec


@pytest.fixture(scope="session")
def lock_target(
    lock_runner: Runner, lock_build: Callable[[], Simulator], lock_spec: Spec, lock_operator: Operator | None
) -> Iterator[Target]:
    """The lock of this run's target, opened."""
    with _opened(lock_spec, lock_runner, lock_build, lock_operator) as target:
        yield target


@pytest.fixture(scope="session")
def lock_operator(pytestconfig: pytest.Config) -> Operator | None:
    """The person at the bench, None where there is none."""
    return Operator() if pytestconfig.option.lock_operator else None


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    """Chance that --lock-seed repeats, for each test its own: it draws the same whatever runs before it."""
    return Random(f"{request.config.option.lock_seed}:{test_id(request.node.nodeid)}")  # noqa: S311  it has to repeat itself


@pytest.fixture(scope="session")
def paired_station(
    lock_runner: Runner, lock_target: Target, lock_operator: Operator | None, pytestconfig: pytest.Config
) -> Station:
    """The station, which the lock knows from here on."""
    ear = Ears(pytestconfig.stash[_GUARDS].silence, pytestconfig.stash[EAR])
    return _known(lock_target, ear, lock_runner, lock_operator, pytestconfig)


@pytest.fixture(scope="session")
def lock_facts(lock_runner: Runner, paired_station: Station, lock_spec: Spec, pytestconfig: pytest.Config) -> Facts:
    """What this run knows of its lock."""
    try:
        facts = lock_runner.run(ask_facts(paired_station, lock_spec))
    except Nonconformant as error:
        raise BenchFault(f"What the lock tells of itself cannot be used, and no test can run: {error}") from None
    pytestconfig.stash[FACTS] = facts
    return facts


@pytest.fixture
def lock(
    lock_runner: Runner, paired_station: Station, lock_facts: Facts, lock_operator: Operator | None, rng: Random,
    request: pytest.FixtureRequest,
) -> Iterator[Station]:  # fmt: skip
    """The lock, at rest and without pins; its links are closed after the test."""
    paired_station.random = rng
    guards = request.config.stash[_GUARDS]
    require(request.node, paired_station.hands, lock_facts)

    async def begin() -> None:
        if guards.reset_is_due(request.node):
            await reset(paired_station, lock_facts.target, lock_operator)
        await _at_rest(paired_station)

    lock_runner.run(begin())
    yield paired_station
    lock_runner.tidy(paired_station.close())


@pytest.fixture(scope="session")
def other_stations(
    lock_runner: Runner, lock_build: Callable[[], Simulator], lock_spec: Spec, lock_operator: Operator | None,
    pytestconfig: pytest.Config,
) -> Iterator[tuple[Station, ...]]:  # fmt: skip
    """Those of the run's other targets."""
    with ExitStack() as stack:
        others = [stack.enter_context(lease) for lease in leases_of_others(pytestconfig, lock_spec)]
        targets = [stack.enter_context(_opened(spec, lock_runner, lock_build, lock_operator)) for spec in others]
        ear = pytestconfig.stash[EAR]
        yield tuple(_known(target, ear, lock_runner, lock_operator, pytestconfig) for target in targets)


@pytest.fixture
def locks(lock_runner: Runner, lock: Station, other_stations: tuple[Station, ...]) -> Iterator[tuple[Station, ...]]:
    """All locks of the run, each at rest and without pins: `lock` is the first."""
    if not other_stations:
        pytest.skip("This test needs several locks: name them, as in --lock-bench FILE --lock-target front,back.")
    for station in other_stations:
        station.random = lock.random
        lock_runner.run(_at_rest(station))
    yield (lock, *other_stations)
    for station in other_stations:
        lock_runner.tidy(station.close())


@pytest.fixture
def bridge(lock_runner: Runner, lock: Station, lock_facts: Facts) -> Iterator[LockClient]:
    """The product's own bridge at the lock, which asks again and renews sessions as it does anywhere."""
    keys = BridgeKeys(static_private=lock.peer.private, hmac_key=lock.random.randbytes(32))
    known = KnownLock(wire_id=lock_facts.lock_id, public_key=lock.peer.lock_key, version=lock_facts.protocol_version)

    async def connect() -> Wire:
        return Wire((await lock.connect()).link, Retry(), lock.random)

    client = LockClient(known, keys, connect, corrects_clock=False)  # the lock's clock is the test's
    yield client
    lock_runner.tidy(client.close())


@pytest.fixture
def session(lock_runner: Runner, lock: Station) -> Session:
    """A session with the lock."""
    return lock_runner.run(lock.open())


@contextmanager
def _opened(spec: Spec, runner: Runner, build: Callable[[], Simulator], operator: Operator | None) -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="lw-") as folder:
        opening = open_target(spec, Path(folder), build, operator)
        target = runner.run(opening.__aenter__())
        try:
            yield target
        finally:
            runner.tidy(opening.__aexit__(None, None, None))


def _known(target: Target, ear: Ear, runner: Runner, operator: Operator | None, config: pytest.Config) -> Station:
    """Return a station that the target's lock knows from here on."""
    spec, random = target.spec, Random(config.option.lock_seed)  # noqa: S311  it has to repeat itself
    station = Station(
        target.connect, target.hands, target.secret, patience=target.patience, random=random, ear=ear,
        single=target.single, wire=target.wire,
    )  # fmt: skip
    station.window_hold, station.reset_hold = spec.window_hold, spec.reset_hold
    kept = None if spec.simulated else KeptKey(key_folder(config), spec.title, target.secret)
    try:
        runner.run(meet(station, spec.title, kept, operator))
    except (Nonconformant, LinkLost) as error:
        raise BenchFault(
            f"Lock and bench could not be paired, and no test can run: {error} The trace has what was said."
        ) from None
    return station


async def _at_rest(station: Station) -> None:
    try:
        await station.begin()
    finally:
        await station.close()


def _hands(lock: Station, hand: Hand) -> Hands:
    if hand not in lock.hands.able:
        pytest.skip(f"This target has no hand for {hand}.")
    return lock.hands


@pytest.fixture
def keypad(lock: Station) -> Hands:
    """The hand at the keypad."""
    return _hands(lock, Hand.KEYPAD)


@pytest.fixture
def button(lock: Station) -> Hands:
    """The hand at the button."""
    return _hands(lock, Hand.BUTTON)


@pytest.fixture
def power(lock: Station) -> Hands:
    """The hand at the power."""
    return _hands(lock, Hand.POWER)


@pytest.fixture
def supply(lock_runner: Runner, lock: Station) -> Iterator[Power]:
    """The lock's power where a switch has it, to be off for a while; it is on again after the test."""
    supply = getattr(lock.hands, "power", None)
    if not isinstance(supply, Power):
        pytest.skip("This target's power has no switch: give it one under [target.power] of a bench file.")
    yield supply
    if lock_runner.tidy(supply.state()) is PowerState.OFF:
        lock_runner.tidy(supply.on())


@pytest.fixture
def clock(lock: Station) -> Hands:
    """The hand at the clock."""
    return _hands(lock, Hand.CLOCK)


@pytest.fixture
def faults(lock_runner: Runner, lock: Station) -> Iterator[Hands]:
    """What lets faults strike a simulated lock; after the test nothing fails any more."""
    yield _hands(lock, Hand.FAULTS)
    lock_runner.tidy(lock.hands.mend())
