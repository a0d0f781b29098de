"""What the `sim` commands return: their fields are the JSON, their text is for people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A simulated lock that is ready."""

    lock_id: int
    serial_number: str
    serial: str | None
    tcp: str | None
    ble: str | None
    control: str | None
    slots: int
    damage: str
    fault_seed: int | None

    def __str__(self) -> str:
        places = [f"serial:{self.serial}"] if self.serial else []
        places += [f"tcp:{self.tcp}"] if self.tcp else []
        places += [f"ble:{self.lock_id:08X} on {self.ble}"] if self.ble else []
        text = f"Simulated lock {self.serial_number} with {self.slots} slots is ready at {' and '.join(places)}."
        if self.fault_seed is not None:
            text += f"\nFaults strike as planned; --seed {self.fault_seed} repeats them."
        return f"{text}\nWarning: {self.damage}" if self.damage else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the keypad answered."""

    granted: bool
    pin_id: int | None
    denial: str | None
    reason: str | None
    explanation: str

    @property
    def exit_code(self) -> int:
        """0 where the lock opens, 4 where it refuses."""
        return 0 if self.granted else 4

    def __str__(self) -> str:
        if self.granted:
            return f"granted: {self.explanation}"
        return f"denied: {self.explanation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What can be seen of the lock."""

    lock_id: int
    serial: str
    slots: int
    used: int
    list_version: int
    peers: int
    pairing_open: bool
    bolt: str
    jammed: bool
    battery: int | None
    locked_out: bool
    wrong_entries: int
    audit_last: int
    time: str
    clock_trusted: bool
    zone: str
    damage: str
    faults: int

    def __str__(self) -> str:
        window = "open" if self.pairing_open else "closed"
        trust = "trusted" if self.clock_trusted else "not trusted"
        lines = [
            f"lock     {self.serial}",
            f"pins     {self.used} of {self.slots} slots, list version {self.list_version}",
            f"peers    {self.peers}, pairing window {window}",
            f"bolt     {self.bolt}{', jammed' if self.jammed else ''}",
            f"battery  {'unknown' if self.battery is None else f'{self.battery} %'}",
            f"keypad   {'locked out' if self.locked_out else f'{self.wrong_entries} wrong entries in a row'}",
            f"audit    {self.audit_last} records so far",
            f"clock    {self.time} ({trust}), zone {self.zone}",
        ]
        lines += [f"faults   {self.faults} have struck"] if self.faults else []
        return "\n".join([*lines, f"flash    {self.damage}"] if self.damage else lines)
