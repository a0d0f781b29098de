"""Links: one open byte pipe to a lock each; `open_link` makes one from a target such as serial:/dev/ttyUSB0."""

from .base import Link, MemoryHub
from .opening import open_link
from .ports import place, serial_targets

__all__ = ["Link", "MemoryHub", "open_link", "place", "serial_targets"]
