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
from firmware_sim.flash import NorFlash
from firmware_sim.simulator import Simulator

from .errors import BenchFault
from .hands import Hand, Hands
from .keeping import EAR, add_options, keep_captures
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
    add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and draw the seed."""
    config.addinivalue_line("markers", "req(id): the requirement of the protocol that a test checks")
    config.addinivalue_line("markers", "destructive: takes from the lock what its owner may want to keep")
    config.addinivalue_line("markers", "requires(*hands): skip where the target has not all of these hands")
    if config.option.lock_seed is None:
        config.option.lock_seed = secrets.randbits(32)
    keep_captures(config)


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
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a fault of the bench be an ERROR, wherever it is noticed: a FAIL is the firmware's."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(BenchFault):
        report.when = "setup"
        report.longrepr = f"{item.nodeid}: {call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def lock_runner() -> Iterator[Runner]:
    """The event loop of all tests that use a lock."""
    with asyncio.Runner() as runner:
        yield Runner(runner)


@pytest.fixture(scope="session")
def lock_build() -> Callable[[], Simulator]:
    """What makes the lock of a target that is simulated; override it to test another firmware."""
    return lambda: Simulator(NorFlash(GEOMETRY), slots=SLOTS)


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


@pytest.fixture(scope="session")
def rng(pytestconfig: pytest.Config) -> Random:
    """Chance that --lock-seed repeats."""
    return Random(pytestconfig.option.lock_seed)  # noqa: S311  it has to repeat itself


@pytest.fixture(scope="session")
def paired_station(lock_runner: Runner, lock_target: Target, rng: Random, pytestconfig: pytest.Config) -> Station:
    """The station, which the lock knows from here on."""
    station = Station(
        lock_target.connect, lock_target.hands, lock_target.secret,
        patience=lock_target.patience, random=rng, ear=pytestconfig.stash[EAR],
        single=lock_target.single, wire=lock_target.wire,
    )  # fmt: skip
    lock_runner.run(station.make_known())
    return station


@pytest.fixture
def lock(lock_runner: Runner, paired_station: Station) -> Iterator[Station]:
    """The lock, at rest and without pins; its links are closed after the test."""

    async def begin() -> None:
        await (await paired_station.begin()).line.close()

    lock_runner.run(begin())
    yield paired_station
    lock_runner.run(paired_station.close())


@pytest.fixture
def session(lock_runner: Runner, lock: Station) -> Session:
    """A session with the lock."""
    return lock_runner.run(lock.open())


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
def clock(lock: Station) -> Hands:
    """The hand at the clock."""
    return _hands(lock, Hand.CLOCK)
