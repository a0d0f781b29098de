"""Zone name → POSIX rule: the footer of the zone's TZif file (RFC 9636 section 3.3), which a lock stores."""

import zoneinfo
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

from protocol.errors import MalformedError
from protocol.posix_tz import parse_tz

from .errors import UsageError

UNKNOWN_HERE = "This host does not know the lock's time zone: renew its tzdata, or pair anew with another --zone."


def posix_rule(name: str) -> str:
    """Return the rule of the IANA zone `name`; raise UsageError where there is none that a lock can hold."""
    rule = _tzif(name).removesuffix(b"\n").rpartition(b"\n")[2].decode("ascii", "replace")
    try:
        parse_tz(rule)
    except MalformedError:
        raise UsageError(
            f"The zone {name} has no rule that a lock can hold. Choose a zone such as Europe/Warsaw."
        ) from None
    return rule


def _tzif(name: str) -> bytes:
    """Read the file that zoneinfo would read, so that names and rules come from one edition of the database."""
    if name in _names():
        for folder in zoneinfo.TZPATH:
            path = Path(folder, name)
            if path.is_file():
                return path.read_bytes()
        return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    raise UsageError(f"{name!r} is no IANA zone. Try one such as Europe/Warsaw, America/New_York or UTC.")


def find_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone `name`, or None where this host does not know it."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None


def host_zone() -> str:
    """Return the IANA name of this host's zone, UTC where the host does not tell."""
    try:
        name = Path("/etc/timezone").read_text().strip()
    except (OSError, UnicodeDecodeError):
        name = ""
    link = Path("/etc/localtime")
    if not name and link.is_symlink():
        name = str(link.readlink()).partition("zoneinfo/")[2]
    return name if name in _names() else "UTC"


@cache
def _names() -> frozenset[str]:
    """List the zones once: that opens every file of the database, and each session asks."""
    return frozenset(zoneinfo.available_timezones())
