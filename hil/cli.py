"""The commands in which bridge and simulated lock meet."""

import asyncio
import signal
from collections.abc import AsyncIterator

from .demo import Step, run_demo


async def demo(*, ble: bool = False) -> AsyncIterator[Step]:
    """Watch one pin travel: HTTP, bridge, encrypted frames, pseudo-terminal, lock, flash, and back; then type it.

    Everything runs in a folder of its own, which is removed at the end.

    Parameters
    ----------
    ble
        Take Bluetooth Low Energy in place of the pseudo-terminal: stock bleak, a stand-in for BlueZ, a virtual radio.
    """
    # whoever ends it by SIGTERM leaves nothing running either
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    async for step in run_demo(ble=ble):
        yield step
