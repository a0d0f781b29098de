"""The bench file: TOML that says which locks a bench has; it is taken whole, or refused with file, target and key.

Each lock has a [[target]] table, with [target.hands] and [target.power] below it.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bridge.errors import BridgeError
from bridge.links import place as led_to
from protocol.vocabulary import Capability

from ..errors import BenchFault
from .executables import EXECUTED, arguments
from .hardware import open_hands
from .operator import Operator
from .targets import SIMULATED, USB, Spec, found

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LONGEST = 3600.0


class _Wrong(Exception):
    def __init__(self, key: str, sentence: str) -> None:
        self.key = key
        self.sentence = sentence


def read_bench(path: Path) -> tuple[Spec, ...]:
    """Return the targets of a file, at least one; raise BenchFault."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchFault(f"The bench file {path} cannot be read: {error.strerror}. Name another one.") from None
    except (UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is no text that TOML can have"
        raise BenchFault(f"The bench file {path} is no TOML: {why}.") from None
    try:
        _only(data, ("target",))
        specs = tuple(_read_target(path, number, table) for number, table in enumerate(_tables(data), 1))
    except _Wrong as wrong:
        raise BenchFault(f'{path}, "{wrong.key}": {wrong.sentence}.') from None
    _require_different(path, specs)
    return specs


def parse_capabilities(words: Iterable[str]) -> Capability:
    """Return capabilities by their names in small letters; raise ValueError with those that there are."""
    known = [str(each.name).lower() for each in Capability]
    found = Capability(0)
    for word in words:
        if word not in known:
            raise ValueError(f"there is no capability {word!r}{_meant(word, known)}; there are {', '.join(known)}")
        found |= Capability[word.upper()]
    return found


def port(spec: Spec) -> tuple[str, str]:
    """Return the port that a target takes, the same for all its spellings; raise BenchFault where it is none."""
    if spec.place.startswith(EXECUTED):
        return "exec", " ".join(arguments(spec.place, spec.folder))
    if spec.simulated:
        return "sim", spec.title
    try:
        place = found(spec.place)
    except BenchFault:  # it may be plugged in later
        return "usb", spec.place.removeprefix(USB).partition("?")[0]
    try:
        transport, where = led_to(place)
        return transport, re.sub(r"^localhost(?=:)", "127.0.0.1", where)
    except BridgeError as error:
        raise BenchFault(str(error)) from None


def _tables(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    tables = data.get("target", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise _Wrong("target", "give each lock a [[target]] table")
    return tables


def _read_target(path: Path, number: int, table: Mapping[str, Any]) -> Spec:
    name = table.get("name")
    try:
        return _make(path, table)
    except _Wrong as wrong:
        which = f'target "{name}"' if isinstance(name, str) and _NAME.fullmatch(name) else f"target {number}"
        raise BenchFault(f'{path}, {which}, "{wrong.key}": {wrong.sentence}.') from None


def _make(path: Path, table: Mapping[str, Any]) -> Spec:
    _only(table, (*_KEYS, "usb", "baud", "hands", "power"))
    for key, value in table.items():
        if key in _KEYS and not _KEYS[key].allows(value):
            raise _Wrong(key, _KEYS[key].sentence)
    if "name" not in table:
        raise _Wrong("name", _KEYS["name"].sentence)
    place, folder = _place(table), path.absolute().parent
    if place not in SIMULATED and "label_file" not in table:
        raise _Wrong("label_file", "name the file that holds this lock's label: it is needed to pair")
    hands = dict(_table(table, "hands"))
    spec = Spec(
        place=place,
        name=table["name"],
        label_file=_file(table, "label_file", folder),
        control=_control(hands, folder),
        hands=hands,
        power=_table(table, "power"),
        capabilities=_capabilities(table),
        firmware=_file(table, "firmware", folder),
        folder=folder,
        bench=path,
        **{key: float(table[key]) for key in _TIMES if key in table},
    )
    _require_port(spec)
    _require_hands(spec)
    return spec


def _place(table: Mapping[str, Any]) -> str:
    if ("link" in table) == ("usb" in table):
        raise _Wrong("link", "give either a link, such as serial:/dev/ttyUSB0, or usb = the adapter's serial number")
    if "link" in table:
        if "baud" in table:
            raise _Wrong("baud", "it goes with usb; a link has it as serial:PORT?baud=9600")
        return str(table["link"])
    usb, baud = table["usb"], table.get("baud")
    if not isinstance(usb, str) or not re.fullmatch(r"[!->@-~]{1,126}", usb):
        raise _Wrong("usb", "give the USB serial number of the adapter as a text, such as A50285BI")
    if baud is None:
        return f"{USB}{usb}"
    if not isinstance(baud, int) or not 0 < baud <= 12_000_000:
        raise _Wrong("baud", "give a whole number from 1 to 12000000")
    return f"{USB}{usb}?baud={baud}"


def _require_port(spec: Spec) -> None:
    try:
        port(spec)
    except BenchFault as error:
        raise _Wrong("link", str(error).rstrip(".")) from None


def _require_hands(spec: Spec) -> None:
    """See that the hands can be made; whether they do what they say is seen when they are used."""
    if spec.power and spec.place.startswith(EXECUTED):
        raise _Wrong("power", "a program's power is its process: take the table away")
    if (spec.hands or spec.power) and spec.simulated:
        raise _Wrong("hands" if spec.hands else "power", "a simulated lock brings its own: take the table away")
    try:
        open_hands(spec.hands, spec.power, folder=spec.folder, check=_unasked, operator=Operator())
    except BenchFault as error:
        raise _Wrong("hands" if spec.hands else "power", str(error).rstrip(".")) from None


class _Unasked:
    """In place of a look whether the lock is there: nothing is switched while a file is read."""

    reason = ""

    async def __call__(self) -> bool:
        return False


_unasked = _Unasked()


def _capabilities(table: Mapping[str, Any]) -> Capability | None:
    if "capabilities" not in table:
        return None
    try:
        return parse_capabilities(table["capabilities"])
    except ValueError as error:
        raise _Wrong("capabilities", str(error)) from None


def _control(hands: dict[str, Any], folder: Path) -> Path | None:
    control = hands.pop("control", None)
    if control is not None and not isinstance(control, str):
        raise _Wrong("hands.control", "give the path of a control socket")
    return folder / control if control else None


def _table(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise _Wrong(key, f"give it as a table [target.{key}]")
    return dict(value)


def _file(table: Mapping[str, Any], key: str, folder: Path) -> Path | None:
    return folder / table[key] if key in table else None


class _Key(NamedTuple):
    allows: Callable[[Any], bool]
    sentence: str


def _is_time(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 < value <= _LONGEST  # type: ignore[arg-type,operator]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_TIME = _Key(_is_time, "give seconds, more than 0 and at most an hour")
_TIMES = ("answer", "quiet", "window_hold", "reset_hold")
_KEYS: Mapping[str, _Key] = {
    "name": _Key(
        lambda value: isinstance(value, str) and _NAME.fullmatch(value) is not None,
        "give each target a name of letters, digits, dots, dashes and underscores, at most 40",
    ),
    "link": _Key(_is_text, "give a target such as serial:/dev/ttyUSB0"),
    "label_file": _Key(_is_text, "give the path of a file"),
    "capabilities": _Key(_are_texts, "give a list of names"),
    "firmware": _Key(_is_text, "give the path of a file"),
    **dict.fromkeys(_TIMES, _TIME),
}


def _only(table: Mapping[str, Any], known: Iterable[str]) -> None:
    known = list(known)
    for key in table:
        if key not in known:
            raise _Wrong(key, f"there is no such key{_meant(key, known)}; there are {', '.join(known)}")


def _meant(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f", did you mean {near[0]}?" if near else ""


def _is_one_outlet(spec: Spec) -> bool:
    """Whether what switches a target's power can switch that of one lock alone."""
    return spec.power.get("kind") in ("uhubctl", "relay-serial")


def _require_different(path: Path, specs: tuple[Spec, ...]) -> None:
    """Raise BenchFault where two targets are one."""
    ways: tuple[tuple[str, Callable[[Spec], object]], ...] = (
        ("name", lambda spec: spec.name),
        ("link", lambda spec: None if spec.simulated else port(spec)),
        ("label_file", lambda spec: spec.label_file and spec.label_file.resolve()),
        ("hands.control", lambda spec: spec.control and spec.control.resolve()),
        ("power", lambda spec: tuple(sorted(map(str, spec.power.items()))) if _is_one_outlet(spec) else None),
    )
    for key, of in ways:
        seen: dict[object, str] = {}
        for spec in specs:
            value = of(spec)
            if value is not None and value in seen:
                raise BenchFault(f'{path}, target "{spec.name}", "{key}": it is the same as that of "{seen[value]}".')
            seen[value] = spec.name
