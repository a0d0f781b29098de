"""The hooks that guard a run at a bench: who may run, for how long, and whose failure a failure is."""

from collections.abc import Generator

import pytest

from bridge.errors import LinkLost

from ..bench.selection import SPECS, require_targets
from ..bench.targets import Spec
from ..errors import BenchFault, Nonconformant
from .facts import FACTS
from .markers import skip_what_is_switched_off
from .silence import Silence, TotalTime

_SWITCHED = ("operator", "realtime", "destructive")
_AT_WIRES = ("serial:", "usb:")
"""Where a link that is lost is the cable's fault: a lock cannot end it."""


class Guards:
    """A plugin of one run; `runner` names the fixture that every test of a lock stands on."""

    def __init__(self, config: pytest.Config, runner: str) -> None:
        self._config = config
        self._runner = runner
        self._module: object = None
        self._reset_due = False
        self._hopeless = ""
        """Why the lock could not even be met, where it could not: no test needs to try again."""
        self.spec: Spec | None = None
        """The target that this process has taken."""
        self.silence = Silence()
        self.total = TotalTime(config.option.lock_total)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[object]) -> None:
        """Refuse more workers than targets, before the first of them is started."""
        require_targets(self._config, len(specs))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Skip what nobody has switched on."""
        option = self._config.option
        switched = {name for name in _SWITCHED if getattr(option, f"lock_{name}")}
        if all(spec.simulated for spec in self._config.stash[SPECS]):
            switched.add("destructive")
        if all(spec.in_process for spec in self._config.stash[SPECS]):
            switched.add("realtime")
        skip_what_is_switched_off([item for item in items if self._uses_lock(item)], switched)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count the tests that a lock leaves without a byte."""
        result = yield
        if self._uses_lock(item):
            self.silence.end(item.nodeid)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin no test that cannot be run any more."""
        if self._uses_lock(item):
            if self._hopeless:
                raise BenchFault(self._hopeless)
            self.total.require()
            self.silence.begin()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a fault of the bench be an ERROR and one of the lock a FAIL, wherever they are noticed."""
        report = yield
        if call.excinfo is None or not report.failed:
            return report
        self._reset_due = self._reset_due or self._uses_lock(item)
        error = call.excinfo.value
        if isinstance(error, BenchFault | ImportError) or (isinstance(error, LinkLost) and self._at_wire):
            report.when = "setup"
            report.longrepr = str(error)
            if self._uses_lock(item) and FACTS not in self._config.stash:
                self._hopeless = str(error)
        elif isinstance(error, LinkLost) or (isinstance(error, Nonconformant) and call.when != "call"):
            report.when = "call"
            report.longrepr = str(error)
            report.__dict__["lock_setup"] = call.when != "call"
        return report

    def reset_is_due(self, item: pytest.Item) -> bool:
        """Return whether the lock has to be brought to rest anew before a test; the run's first needs nothing."""
        first, module = self._module is None, getattr(item, "module", item)
        moved, self._module = self._module is not module, module
        failed, self._reset_due = self._reset_due, False
        when = self._config.option.lock_reset
        return not first and {"test": True, "module": moved, "failure": failed}.get(when, False)

    @property
    def _at_wire(self) -> bool:
        return self.spec is not None and self.spec.place.startswith(_AT_WIRES)

    def _uses_lock(self, item: pytest.Item) -> bool:
        return self._runner in getattr(item, "fixturenames", ())
