"""Bugs in the bridge's side of Bluetooth: whom it believes, what it leaves open, what it takes for sent."""

from .bug import Bug

BUGS = (
    Bug(
        name="a device found by its service alone",
        file="bridge/links/ble_hearing.py",
        good="if told and told.lock_id == wanted.lock_id and device",
        bad="if told and device",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a client disconnected only where it is connected",
        file="bridge/links/ble.py",
        good="        if client is not None:\n            await _disconnect(client)\n",
        bad="        if client is not None and client.is_connected:\n            await _disconnect(client)\n",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a disconnection cut off by an impatient caller",
        file="bridge/links/ble.py",
        good="@finishing\nasync def _disconnect(",
        bad="async def _disconnect(",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a scan left on by an impatient caller",
        file="bridge/links/ble_hearing.py",
        good="@finishing\nasync def _stop(",
        bad="async def _stop(",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a drop during an attempt loses the attempt after it",
        file="bridge/links/ble.py",
        good="        self._inbox = Inbox()  # attempts before this one have lost theirs\n",
        bad="",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a link goes on after a piece that was not written",
        file="bridge/links/ble.py",
        good="            self._inbox.lose()\n            raise LinkLost(self._sentence) from None\n",
        bad="            raise LinkLost(self._sentence) from None\n",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="paired with whoever answers under the id that was typed",
        file="bridge/pairing.py",
        good="                    handshakes.require_lock(found, named)\n",
        bad="                    pass\n",
        tests=("tests/together/test_pairing.py",),
    ),
    Bug(
        name="what Bumble cancels at a drop cancels the bridge",
        file="hil/bluetooth/backend.py",
        good='        raise BleakError("the connection has ended") from None\n',
        bad="        raise\n",
        tests=("tests/hil/bluetooth/test_backend.py",),
    ),
    Bug(
        name="a liar that is heard first keeps the lock from being reached",
        file="bridge/links/ble.py",
        good="                refused.add(device.address)\n",
        bad="                raise\n",
        tests=("tests/bridge/links/test_ble.py",),
    ),
    Bug(
        name="a Bluetooth service that never answers is waited for",
        file="bridge/links/ble.py",
        good="    await within(CLOSE_SECONDS, client.disconnect())  #",
        bad="    await client.disconnect()  #",
        tests=("tests/bridge/links/test_ble.py",),
    ),
)
