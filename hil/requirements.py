"""The requirements of the protocol, each with its id: what the suite checks, and what a report tells of."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Profile(StrEnum):
    """A part of the protocol that a lock may be held to; FULL is all of them."""

    BASIC = "basic"
    SCHEDULE = "schedule"
    SECURITY = "security"
    PERSIST = "persist"
    BLE = "ble"
    FULL = "full"


class Level(StrEnum):
    """How binding it is (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Role(StrEnum):
    """Who must keep it."""

    LOCK = "lock"
    BRIDGE = "bridge"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of SPEC 10; `since` is the protocol version that has brought it.

    `tests` names the tests of this project that check what the suite cannot see: what a bridge must keep, and what is
    in a lock's flash, which shows at the simulated lock alone. The others are found in the suite by the marker `req`.
    """

    id: str
    section: str
    level: Level
    profile: Profile
    since: int
    role: Role
    text: str
    tests: tuple[str, ...] = ()

    def belongs_to(self, profile: Profile) -> bool:
        """Whether a lock that is held to `profile` is held to this."""
        return profile in (Profile.FULL, self.profile) or self.profile is Profile.BASIC


@cache
def requirements() -> dict[str, Requirement]:
    """Return all requirements by their ids, in their order."""
    told = tomllib.loads(files("hil.conformance").joinpath("requirements.toml").read_text())
    return {each["id"]: _requirement(each) for each in told["requirement"]}


def _requirement(told: dict[str, object]) -> Requirement:
    return Requirement(
        id=str(told["id"]),
        section=str(told["section"]),
        level=Level(str(told["level"])),
        profile=Profile(str(told["profile"])),
        since=int(str(told["since"])),
        role=Role(str(told["role"])),
        text=str(told["text"]),
        tests=tuple(map(str, told.get("tests", ()))),  # type: ignore[call-overload]
    )
