"""Links: one open byte pipe to a lock each; `open_link` makes one from a target such as serial:/dev/ttyUSB0."""

from .base import Link, MemoryHub
from .opening import hear, open_link
from .ports import Adapter, advertised_lock, place, serial_adapters, serial_targets
from .radio import Radio

__all__ = [
    "Adapter",
    "Link",
    "MemoryHub",
    "Radio",
    "advertised_lock",
    "hear",
    "open_link",
    "place",
    "serial_adapters",
    "serial_targets",
]
