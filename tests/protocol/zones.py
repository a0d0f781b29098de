"""The zones of the tzdata package, read from their TZif files: the rule of each, and from when on it governs."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from protocol.posix_tz import TzRule, parse_tz

DAY = 86400
_HEADER = struct.Struct(">4sc15x6I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone: `text` is its file's footer, which governs every instant from epoch second `governed_from` on."""

    name: str
    text: str
    rule: TzRule
    info: ZoneInfo
    governed_from: int


def epoch(text: str) -> int:
    """Return the epoch second of an ISO 8601 time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def tzif(name: str) -> bytes:
    """Return a zone's file."""
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def footer(name: str) -> str:
    """Return a zone's rule as its file states it."""
    return tzif(name).splitlines()[-1].decode("ascii")


def read_zone(name: str) -> Zone:
    """Read one zone."""
    data, text = tzif(name), footer(name)
    info = ZoneInfo.from_file(BytesIO(data), key=name)
    return Zone(name=name, text=text, rule=parse_tz(text), info=info, governed_from=_last_listed(data) + 1)


@cache
def all_zones() -> tuple[Zone, ...]:
    """Read every zone of the database, links to others included."""
    return tuple(read_zone(name) for name in files("tzdata").joinpath("zones").read_text().split())


def governed(since: int) -> tuple[Zone, ...]:
    """Return the zones whose rule governs from epoch second `since` on; the others list changes beyond it."""
    return tuple(zone for zone in all_zones() if zone.governed_from <= since)


def true_offset(zone: ZoneInfo, utc_epoch: int) -> int:
    """Return the seconds east of UTC, as zoneinfo says."""
    offset = datetime.fromtimestamp(utc_epoch, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def last_second_before_change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the last second of the offset at `low`, where it changes once before `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if true_offset(zone, middle) == true_offset(zone, low) else (low, middle)
    return low


@cache
def edges(zone: Zone, year: int) -> tuple[int, ...]:
    """Return the first second of each new offset in `year`: two where the zone has daylight time, else none."""
    weeks = range(epoch(f"{year}-01-01"), epoch(f"{year + 1}-01-01"), 7 * DAY)
    changing = [week for week in weeks if true_offset(zone.info, week) != true_offset(zone.info, week + 7 * DAY)]
    return tuple(last_second_before_change(zone.info, week, week + 7 * DAY) + 1 for week in changing)


def _last_listed(data: bytes) -> int:
    """Return the last transition that a TZif file lists in its block of 64 bits (RFC 9636, 3.2), or 0."""
    _, _, utc, standard, leaps, times, types, letters = _HEADER.unpack_from(data)
    second = _HEADER.size + 5 * times + 6 * types + letters + 8 * leaps + standard + utc
    magic, _, _, _, _, times, _, _ = _HEADER.unpack_from(data, second)
    assert magic == b"TZif"
    listed = struct.unpack_from(f">{times}q", data, second + _HEADER.size)
    return max(listed, default=0)
