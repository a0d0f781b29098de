"""Which lock on Bluetooth Low Energy, and by which radio; nothing here needs Bluetooth to be installed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import join
from typing import Self
from urllib.parse import urlencode

from protocol.bluetooth import LARGEST_MTU, SMALLEST_MTU

_LOCK_ID = re.compile(r"[0-9A-Fa-f]{8}")
_ADAPTER = re.compile(r"hci[0-9]{1,3}")
_WRITES = {None: None, "with-response": True, "without-response": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """What hears and talks to locks: an adapter of this machine, None for its first, or what is behind `hci`.

    `hci` is a transport of Bumble's, such as tcp-client:127.0.0.1:9000.
    """

    adapter: str | None = None
    hci: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a radio that there cannot be."""
        if self.adapter is not None and not _ADAPTER.fullmatch(self.adapter):
            raise ValueError("an adapter is called hci0, hci1 and so on")
        if self.adapter is not None and self.hci is not None:
            raise ValueError("adapter and hci exclude each other")
        if self.hci == "":
            raise ValueError("hci needs a transport, such as tcp-client:127.0.0.1:9000")

    def target(self, lock_id: int) -> str:
        """Return the target of a lock that this radio hears."""
        query = urlencode(self._options, safe=":/,")
        return f"ble:{lock_id:08X}" + (f"?{query}" if query else "")

    @property
    def scan(self) -> str:
        """The command that shows what this radio hears."""
        return join(["latchwire", "scan", "--ble", *(f"--{name}={value}" for name, value in self._options.items())])

    @property
    def _options(self) -> dict[str, str]:
        told = {"adapter": self.adapter, "hci": self.hci}
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bluetooth:
    """One lock and how to talk to it; `with_response` is None for what its characteristic takes best.

    `mtu` is the ATT MTU that is asked for, None for as much as the radio has; only one behind `hci` can be told.
    """

    lock_id: int
    radio: Radio
    with_response: bool | None = None
    mtu: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an MTU that there cannot be."""
        if self.mtu is not None and self.radio.hci is None:
            raise ValueError("mtu needs hci: the service of a Bluetooth adapter chooses it alone")
        if self.mtu is not None and not SMALLEST_MTU <= self.mtu <= LARGEST_MTU:
            raise ValueError(f"mtu is {SMALLEST_MTU} to {LARGEST_MTU}")

    @classmethod
    def parse(cls, lock_id: str, options: Mapping[str, str]) -> Self:
        """Take a lock's id and the options behind it; raise ValueError in words for a person."""
        if not _LOCK_ID.fullmatch(lock_id):
            raise ValueError("a lock's id has 8 hexadecimal digits, as `latchwire lock list` shows them")
        if unknown := options.keys() - {"adapter", "write", "hci", "mtu"}:
            raise ValueError(f"a Bluetooth target takes adapter, write, hci and mtu, not {min(unknown)}")
        if (write := options.get("write")) not in _WRITES:
            raise ValueError("write is with-response or without-response")
        mtu = options.get("mtu")
        if mtu is not None and not mtu.isdecimal():
            raise ValueError(f"mtu is {SMALLEST_MTU} to {LARGEST_MTU}")
        radio = Radio(adapter=options.get("adapter"), hci=options.get("hci"))
        return cls(
            lock_id=int(lock_id, 16), radio=radio, with_response=_WRITES[write], mtu=None if mtu is None else int(mtu)
        )
