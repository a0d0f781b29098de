"""Zones: each one that this host knows has a rule that a lock can hold, or is refused by a sentence."""

import zoneinfo
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bridge import zones
from bridge.errors import UsageError
from bridge.zones import find_zone, host_zone, posix_rule
from protocol.posix_tz import parse_tz

SOME = {
    "UTC": "UTC0",
    "Europe/Warsaw": "CET-1CEST,M3.5.0,M10.5.0/3",
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "Asia/Kathmandu": "<+0545>-5:45",
    "America/Argentina/Buenos_Aires": "<-03>3",
    "Etc/GMT+12": "<-12>12",
}


@pytest.mark.parametrize("name", SOME)
def test_a_zone_has_the_rule_of_its_file(name: str) -> None:
    assert posix_rule(name) == SOME[name]


def test_every_zone_has_a_rule_that_a_lock_takes_or_is_refused() -> None:
    """And each rule gives the offsets that zoneinfo gives, on days of this decade that the rule governs."""
    taken = 0
    for name in sorted(zoneinfo.available_timezones()):
        try:
            rule = parse_tz(posix_rule(name))
        except UsageError:
            continue
        taken += 1
        for month in (1, 7):
            moment = datetime(2039, month, 15, 12, tzinfo=zoneinfo.ZoneInfo(name))
            offset = moment.utcoffset()
            assert offset is not None
            if name not in BY_TABLE:
                assert rule.offset_at(int(moment.timestamp())) == offset.total_seconds(), name
    assert taken > 400


BY_TABLE = {"Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza", "Asia/Hebron"}
"""Zones whose files list their changes for decades to come (Ramadan), which no rule can say."""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "Europe",
        "europe/warsaw",
        "Europe/Warsaw ",
        "../zoneinfo/UTC",
        "/etc/passwd",
        "UTC\0",
        "posix",
    ],
)
def test_anything_else_is_no_zone(name: str) -> None:
    with pytest.raises(UsageError, match=r"is no IANA zone\. Try one such as Europe/Warsaw"):
        posix_rule(name)


FOOTERS = [b"\n\n", b"", b"\n", b"\nnonsense\n", b"\nCET-1CEST\n", b"\nCET-1\n\n", b"\n\xff\xfe\n", b"UTC0"]


@pytest.mark.parametrize("footer", FOOTERS)
def test_a_file_without_a_usable_rule_is_refused(
    footer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Odd").write_bytes(b"TZif2 and so on" + footer)
    monkeypatch.setattr(zones, "_names", lambda: {"Odd"})
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path / "nothing"), str(tmp_path)))
    with pytest.raises(UsageError, match="The zone Odd has no rule that a lock can hold"):
        posix_rule("Odd")


def test_a_host_without_files_of_its_own_uses_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    assert posix_rule("America/Argentina/Buenos_Aires") == "<-03>3"


@pytest.mark.parametrize(
    ("timezone", "link", "zone"),
    [
        (b"Europe/Warsaw\n", None, "Europe/Warsaw"),
        (b"Europe/Warsaw\n", "/usr/share/zoneinfo/Asia/Tokyo", "Europe/Warsaw"),
        (None, "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        (b"\n", "../usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        (None, "/somewhere/else", "UTC"),
        (None, None, "UTC"),
        (b"Mars/Olympus\n", None, "UTC"),
        (b"\xff\xfe", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_the_hosts_zone_is_what_its_files_say(
    timezone: bytes | None, link: str | None, zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if timezone is not None:
        (tmp_path / "timezone").write_bytes(timezone)
    if link is not None:
        (tmp_path / "localtime").symlink_to(link)
    monkeypatch.setattr(zones, "Path", lambda path: tmp_path / Path(path).name)
    assert host_zone() == zone


def test_the_zone_of_this_host_is_one_that_a_lock_takes() -> None:
    assert parse_tz(posix_rule(host_zone()))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc", "/etc/localtime", "Europe", "a\0b", "x" * 5000])
def test_a_zone_that_the_host_does_not_know_is_none(name: str) -> None:
    assert find_zone(name) is None


def test_a_zone_that_the_host_knows_is_found() -> None:
    assert find_zone("Europe/Warsaw") == ZoneInfo("Europe/Warsaw")
