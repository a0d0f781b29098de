"""A pytest plugin that lets the packages of the extras be missing: `-p tests.hil.bare_plugin`."""

import sys

for name in ("bleak", "bleak_retry_connector", "bumble", "bridge.links.ble", "firmware_sim.ports.ble"):
    sys.modules[name] = None  # type: ignore[assignment]  # as the import system has it
