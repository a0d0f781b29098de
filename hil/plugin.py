"""The pytest plugin: options, fixtures and markers for tests that talk to a lock, simulated or real.

Tests are plain functions or coroutines; those that use a fixture of this plugin run in one event loop for the session.
"""

import asyncio
import inspect
import secrets
import tempfile
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from firmware_sim.device import GEOMETRY
from firmware_sim.failing_flash import FailingFlash
from firmware_sim.flash import NorFlash
from firmware_sim.hostile import HostileSimulator
from firmware_sim.simulator import Simulator

from . import extras, reporting
from .errors import BenchFault, Nonconformant
from .hands import Hand, Hands
from .line import Way
from .power import Power, PowerState
from .reporting import test_id
from .station import Session, Station
from .targets import Spec, Target, open_target

T = TypeVar("T")
RUNNER = "lock_runner"
"""The fixture that every other fixture of a lock stands on."""
SLOTS = 20


class Runner:
    """The session's event loop."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` to its end."""
        return self._runner.run(work)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of which begin with --lock-."""
    group = parser.getgroup("locks", "locks on a bench")
    group.addoption("--lock-target", default="sim:", metavar="TARGET",
                    help="sim: (the default), sim:pty, sim:tcp, sim:ble, or where a lock is: serial:…")  # fmt: skip
    group.addoption("--lock-label-file", type=Path, metavar="FILE", help="holds the label of a lock that is there")
    group.addoption("--lock-control", type=Path, metavar="PATH", help="the control socket of a simulated lock")
    group.addoption("--lock-seed", type=int, metavar="N", help="repeats what a run with this seed has drawn")
    extras.add_options(group)
    reporting.add_options(group)


@pytest.hookimpl(tryfirst=True)  # a report asks pytest's own plugin for JUnit
def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and draw the seed."""
    config.addinivalue_line("markers", "req(id): the requirement of the protocol that a test checks")
    config.addinivalue_line("markers", "destructive: takes from the lock what its owner may want to keep")
    config.addinivalue_line("markers", "realtime: takes minutes where the lock is not in this process")
    config.addinivalue_line("markers", "requires(*hands): skip where the target has not all of these hands")
    extras.configure(config)
    if config.option.lock_seed is None:
        config.option.lock_seed = secrets.randbits(32)
    reporting.configure(config)


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
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a fault of the bench be an ERROR and one of the firmware a FAIL, wherever either is noticed."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(BenchFault):
        report.when = "setup"
        report.longrepr = str(call.excinfo.value)
    elif call.excinfo is not None and call.excinfo.errisinstance(Nonconformant):
        report.when = "call"
    return report


@pytest.fixture(scope="session")
def lock_runner() -> Iterator[Runner]:
    """The event loop of all tests that use a lock."""
    with asyncio.Runner() as runner:
        yield Runner(runner)


@pytest.fixture(scope="session")
def lock_build(pytestconfig: pytest.Config) -> Callable[[], Simulator]:
    """What makes the lock of a target that is simulated; override it to test another firmware."""
    luck = pytestconfig.option.lock_seed
    return lambda: HostileSimulator(FailingFlash(NorFlash(GEOMETRY)), (), luck=luck, slots=SLOTS)


@pytest.fixture(scope="session")
def lock_target(
    lock_runner: Runner, lock_build: Callable[[], Simulator], pytestconfig: pytest.Config
) -> Iterator[Target]:
    """The lock that --lock-target names."""
    option = pytestconfig.option
    spec = Spec(place=option.lock_target, label_file=option.lock_label_file, control=option.lock_control)
    with tempfile.TemporaryDirectory(prefix="lw-") as folder:
        opening = open_target(spec, Path(folder), lock_build)
        yield lock_runner.run(opening.__aenter__())
        lock_runner.run(opening.__aexit__(None, None, None))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    """Chance that --lock-seed repeats, for each test its own: it draws the same whatever runs before it."""
    return Random(f"{request.config.option.lock_seed}:{test_id(request.node.nodeid)}")  # noqa: S311  it has to repeat itself


@pytest.fixture(scope="session")
def paired_station(lock_runner: Runner, lock_target: Target, pytestconfig: pytest.Config) -> Station:
    """The station, which the lock knows from here on."""
    random = Random(pytestconfig.option.lock_seed)  # noqa: S311  it has to repeat itself
    station = Station(
        lock_target.connect, lock_target.hands, lock_target.secret,
        patience=lock_target.patience, random=random, tap=_untapped, single=lock_target.single, wire=lock_target.wire,
    )  # fmt: skip
    lock_runner.run(station.make_known())
    return station


@pytest.fixture
def lock(lock_runner: Runner, paired_station: Station, rng: Random) -> Iterator[Station]:
    """The lock, at rest and without pins; its links are closed after the test."""
    paired_station.random = rng

    async def begin() -> None:
        await (await paired_station.begin()).line.close()

    lock_runner.run(begin())
    yield paired_station
    lock_runner.run(paired_station.close())


@pytest.fixture
def session(lock_runner: Runner, lock: Station) -> Session:
    """A session with the lock."""
    return lock_runner.run(lock.open())


def _untapped(way: Way, data: bytes) -> None:
    del way, data


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
    if lock_runner.run(supply.state()) is PowerState.OFF:
        lock_runner.run(supply.on())


@pytest.fixture
def clock(lock: Station) -> Hands:
    """The hand at the clock."""
    return _hands(lock, Hand.CLOCK)


@pytest.fixture
def faults(lock_runner: Runner, lock: Station) -> Iterator[Hands]:
    """What lets faults strike a simulated lock; after the test nothing fails any more."""
    yield _hands(lock, Hand.FAULTS)
    lock_runner.run(lock.hands.mend())
