"""The lock's clock: a counter that runs, an offset to UTC, and whether that offset can be believed (SPEC 8.1)."""

NANOSECONDS = 1_000_000_000
MAX_TIME = 0xFFFFFFFF
"""The last second that the wire and the flash can hold."""


class Clock:
    """Knows the time that the driver told last, in nanoseconds since power on, and the real-time clock's offset."""

    def __init__(self, epoch: int = 0) -> None:
        self.now_ns = 0
        self.trusted = False
        self._offset_ns = epoch * NANOSECONDS

    def advance(self, now_ns: int) -> None:
        """Take the driver's time; it never runs backwards."""
        self.now_ns = max(self.now_ns, now_ns)

    @property
    def epoch(self) -> int:
        """What the real-time clock shows, in epoch seconds UTC, 0 … MAX_TIME."""
        return min(max(0, (self.now_ns + self._offset_ns) // NANOSECONDS), MAX_TIME)

    def show(self, epoch: int) -> None:
        """Move the real-time clock to `epoch`; trust stays as it is."""
        self._offset_ns = epoch * NANOSECONDS - self.now_ns

    def set(self, epoch: int) -> None:
        """Set the time on an authenticated word, and trust it from now on."""
        self.show(epoch)
        self.trusted = True

    def lose(self) -> None:
        """Lose the time, as a clock without a battery does: it starts at 1970 and is not believed."""
        self.show(0)
        self.trusted = False
