"""Pins as people and programs see them, in the lock's zone; digits only where they were asked for."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bridge.errors import UsageError
from bridge.records import LockRecord
from bridge.zones import UNKNOWN_HERE, find_zone
from protocol.vocabulary import PinEntry, PinSummary

from .times import describe_moment, describe_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class PinView:
    """One pin without its digits; times are in the lock's zone."""

    id: int
    alias: str
    enabled: bool
    valid_from: str | None
    valid_until: str | None
    windows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinDetail(PinView):
    """One pin; `pin` has its digits, or None where they stay hidden."""

    pin: str | None

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{self.id} {self.alias}: {'enabled' if self.enabled else 'disabled'}",
                f"pin      {self.pin or 'hidden; --show-pins shows it'}",
                f"from     {self.valid_from or '-'}",
                f"until    {self.valid_until or '-'}",
                f"windows  {self.windows}",
            )
        )


def zone_of(record: LockRecord) -> ZoneInfo:
    """Return the zone in which a lock's times are meant; raise UsageError where this host does not know it."""
    zone = find_zone(record.zone)
    if zone is None:
        raise UsageError(UNKNOWN_HERE)
    return zone


def view(pin: PinSummary, zone: ZoneInfo) -> PinView:
    """Return a pin of a list."""
    return PinView(
        id=pin.id,
        alias=pin.alias,
        enabled=pin.enabled,
        valid_from=describe_moment(pin.schedule.valid_from, zone),
        valid_until=describe_moment(pin.schedule.valid_until, zone),
        windows=describe_windows(pin.schedule.windows),
    )


def detail(pin_id: int, entry: PinEntry, zone: ZoneInfo, *, with_digits: bool) -> PinDetail:
    """Return one pin with all that is known of it."""
    return PinDetail(
        id=pin_id,
        alias=entry.alias,
        enabled=entry.enabled,
        valid_from=describe_moment(entry.schedule.valid_from, zone),
        valid_until=describe_moment(entry.schedule.valid_until, zone),
        windows=describe_windows(entry.schedule.windows),
        pin=entry.digits if with_digits else None,
    )
