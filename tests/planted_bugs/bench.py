"""Bugs in the Bluetooth bench: what a radio or BlueZ does, and the bench would not do any more."""

from .bug import Bug

BUGS = (
    Bug(
        name="a failed connection that nothing follows",
        file="hil/bluetooth/remote.py",
        good='asyncio.get_running_loop().call_soon(self._show, {"Connected": False})  # behind the answer',
        bad="pass",
        tests=("tests/hil/bluetooth/test_adapter.py",),
    ),
    Bug(
        name="services resolved before they are shown",
        file="hil/bluetooth/remote.py",
        good='self._show({"Connected": True})',
        bad='self._show({"Connected": True, "ServicesResolved": True})',
        tests=("tests/hil/bluetooth/test_adapter.py",),
    ),
    Bug(
        name="an operation that waits for a link that has ended",
        file="hil/bluetooth/link.py",
        good="either: set[asyncio.Future[Any]] = {task, self.ended}",
        bad="either: set[asyncio.Future[Any]] = {task}",
        tests=("tests/hil/bluetooth/test_losing.py",),
    ),
    Bug(
        name="a connection event without an end",
        file="hil/bluetooth/radio.py",
        good="for _ in range(len(self._waiting)):",
        bad="while self._waiting:",
        tests=("tests/hil/bluetooth/test_radio.py",),
    ),
    Bug(
        name="silence that speaks",
        file="hil/bluetooth/radio.py",
        good="        if self._silent:\n            return\n",
        bad="",
        tests=("tests/hil/bluetooth/test_radio.py",),
    ),
    Bug(
        name="supervision that the host hears of",
        file="hil/bluetooth/radio.py",
        good="            self._own_statuses += 1\n",
        bad="",
        tests=("tests/hil/bluetooth/test_radio.py",),
    ),
    Bug(
        name="links that outlive the simulator",
        file="hil/bluetooth/central.py",
        good="        transport.add_done_callback(lambda _: link.end())\n",
        bad="",
        tests=("tests/hil/bluetooth/test_losing.py",),
    ),
)
