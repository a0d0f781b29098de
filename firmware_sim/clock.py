"""The lock's clock: a counter that runs, and a real-time clock beside it that drifts, jumps and forgets (SPEC 8.1)."""

NANOSECONDS = 1_000_000_000
MAX_TIME = 0xFFFFFFFF
"""The last second that the wire and the flash can hold."""
DAY = 86_400
MAX_DRIFT = 100_000
"""The most parts per million by which a simulated oscillator runs fast or slow."""

_MILLION = 1_000_000
_SECOND = NANOSECONDS * _MILLION  # in millionths of a nanosecond, in which every drift is a whole number


class Clock:
    """Knows the time that the driver told last, in nanoseconds since power on, and what the real-time clock shows.

    The real-time clock has an oscillator of its own: whatever its drift, it is exact over years and never runs back.
    """

    __slots__ = ("_rate", "_shown", "_since_ns", "now_ns", "trusted")

    def __init__(self, epoch: int = 0) -> None:
        self.now_ns = 0
        self.trusted = False
        self._rate = _MILLION
        self._since_ns = 0
        self._shown = epoch * _SECOND  # at _since_ns

    def advance(self, now_ns: int) -> None:
        """Take the driver's time; it never runs backwards."""
        self.now_ns = max(self.now_ns, now_ns)

    @property
    def epoch(self) -> int:
        """What the real-time clock shows, in epoch seconds UTC, 0 … MAX_TIME."""
        return min(self._reading // _SECOND, MAX_TIME)

    def when(self, epoch: int) -> int | None:
        """Return the first nanosecond at which the real-time clock shows `epoch`; None where it never gets there."""
        if epoch > MAX_TIME:
            return None
        missing = max(0, epoch * _SECOND - self._reading)
        return self.now_ns - (-missing // self._rate)

    def show(self, epoch: int) -> None:
        """Move the real-time clock to `epoch`; trust stays as it is."""
        self._since_ns, self._shown = self.now_ns, epoch * _SECOND

    def drift(self, ppm: int) -> None:
        """Let the real-time clock gain so many millionths from now on, or lose them where `ppm` is below 0."""
        self._since_ns, self._shown = self.now_ns, self._reading
        self._rate = _MILLION + ppm

    def set(self, epoch: int) -> None:
        """Set the time on an authenticated word, and trust it from now on."""
        self.show(epoch)
        self.trusted = True

    def lose(self, floor: int = 0) -> None:
        """Lose the time, as a clock without a battery does: it begins again at `floor` and is not believed."""
        self.show(floor)
        self.trusted = False

    @property
    def _reading(self) -> int:
        return self._shown + (self.now_ns - self._since_ns) * self._rate
