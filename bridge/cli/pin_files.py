"""Files of pins, TOML or CSV by their ending: read as a whole or refused as a whole, and never quoted in a message.

Columns are alias, pin, enabled, from, until, windows; alias alone must be there. Times are meant in the lock's zone.
"""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from bridge.errors import UsageError
from bridge.plans import Held, Wanted, repeated
from bridge.private_files import create_private
from protocol.pin_rules import check_alias, check_digits, sentence
from protocol.schedule import check_schedule
from protocol.vocabulary import Schedule, Window

from .times import describe_moment, describe_window, describe_windows, parse_moment, parse_window_list

COLUMNS = ("alias", "pin", "enabled", "from", "until", "windows")
STDOUT = "-"
LARGEST_FILE = 1 << 20
"""Bytes; a thousand slots with four windows each need a quarter of it."""

_QUOTE = 'Write the digits as text, in quotes: pin = "…".'
_WRITES_DIGITS = "`pin export --show-pins` writes them."
_BOOLEANS = {"": True, "yes": True, "no": False}
_HEADER = re.compile(r"\s*\[\[\s*pin\s*\]\]")
_KEY = re.compile(r"""\s*["']?([a-z]+)["']?\s*=""")
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One pin as a file has it, and where."""

    place: str
    cells: dict[str, Any]
    lines: Mapping[str, str] = field(default_factory=dict)
    """Where columns stand that do not stand at `place`."""

    def at(self, column: str) -> str:
        """Return where a column stands."""
        return self.lines.get(column, self.place)


def read_pin_file(path: Path, zone: tzinfo, *, digits_needed: bool) -> tuple[Wanted, ...]:
    """Return what a file wishes for; raise UsageError with file, line, column and the rule that is broken."""
    kind = _kind(path)
    text = _text(path)
    rows = list(_toml_rows(path, text) if kind == "toml" else _csv_rows(path, text))
    wishes = tuple(_wish(row, zone) for row in rows)
    if digits_needed:
        for row, wish in zip(rows, wishes, strict=True):
            if wish.digits is None:
                raise _broken(row.at("pin"), "pin", f"The digits are missing. {_WRITES_DIGITS}")
    _refuse_repetitions(rows, wishes)
    return wishes


def write_pins(held: tuple[Held, ...], zone: tzinfo, *, kind: str, with_digits: bool) -> str:
    """Return pins as the text of a file of `kind`, toml or csv."""
    rows = [_cells(pin, zone, with_digits=with_digits) for pin in held]
    return _as_toml(rows) if kind == "toml" else _as_csv(rows, with_digits=with_digits)


def save(path: Path, text: str) -> None:
    """Write a new file that only its owner may read; raise UsageError where it exists or cannot be written."""
    try:
        new = create_private(path, text.encode())
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.") from None
    if not new:
        raise UsageError(f"{path} exists already. Choose another name, or move it away.")


def kind_of(path: str) -> str:
    """Return the kind of the file that pins are written to; standard output gets CSV."""
    return "csv" if path == STDOUT else _kind(Path(path))


def _kind(path: Path) -> str:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("toml", "csv"):
        raise UsageError(f"{path} is no file of pins by its ending. Name it .toml or .csv.")
    return kind


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise UsageError(f"{path} is longer than 1 MiB, which no list of pins is.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: this is no UTF-8. Save the file as UTF-8.") from None


def _csv_rows(path: Path, text: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line, header = 1, None
    while True:
        place = f"{path}, line {line}"
        try:
            cells = next(reader, None)
        except csv.Error:
            raise UsageError(
                f"{place}: this is no CSV. A quote opens and ends a cell, and is doubled within."
            ) from None
        if cells is None:
            break
        if cells and header is None:
            header = _header(place, cells)
        elif cells and header is not None:
            yield _csv_row(place, header, cells)
        line = reader.line_num + 1
    if header is None:
        raise UsageError(f"{path}, line 1: the file is empty. Its first line names the columns: {','.join(COLUMNS)}.")


def _header(place: str, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for number, name in enumerate(names, 1):
        if name not in COLUMNS:  # the name is not quoted: a file without a header has digits here
            rule = f"The first line names the columns, separated by commas: {', '.join(COLUMNS)}."
            raise UsageError(f"{place}, column {number}: there is no column of this name. {rule}")
        if names.index(name) != number - 1:
            raise UsageError(f"{place}, column {number}: the column {name} is there twice.")
    return names


def _csv_row(place: str, header: list[str], cells: list[str]) -> _Row:
    if len(cells) != len(header):
        raise UsageError(f"{place}: the line has {len(cells)} columns, and the first line names {len(header)}.")
    found: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if cell or name == "alias"}
    if "enabled" in found:
        if found["enabled"].lower() not in _BOOLEANS:
            raise _broken(place, "enabled", "Write yes or no.")
        found["enabled"] = _BOOLEANS[found["enabled"].lower()]
    if "windows" in found:
        found["windows"] = [part.strip() for part in found["windows"].split(";")]
    return _Row(place=place, cells=found)


def _toml_rows(path: Path, text: str) -> Iterator[_Row]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # its words may quote the file, so only the place is taken
        found = _TOML_PLACE.search(str(error))
        place = f", line {found[1]}, column {found[2]}" if found else ""
        raise UsageError(f"{path}{place}: this is no TOML. {_QUOTE}") from None
    tables = document.pop("pin", [])
    if document:
        raise UsageError(f"{path}, {_line(text, next(iter(document)))}: a file of pins has tables [[pin]] alone.")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}, {_line(text, 'pin')}: each pin is a table of its own, under [[pin]].")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if _HEADER.match(line)]
    for number, table in enumerate(tables):
        line = lines[number] if len(lines) == len(tables) else None
        place = f"{path}, " + (f"line {line}" if line else f"pin {number + 1}")
        yield _toml_row(place, {} if line is None else _key_lines(path, text, line), table)


def _key_lines(path: Path, text: str, header: int) -> dict[str, str]:
    """Return where the keys of the table stand whose header is on that line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[header:], header + 1):
        if _HEADER.match(line):
            break
        if key := _KEY.match(line):
            found.setdefault(key[1], f"{path}, line {number}")
    return found


def _toml_row(header: str, lines: Mapping[str, str], table: dict[str, Any]) -> _Row:
    for name, value in table.items():
        place = lines.get(name, header)
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise UsageError(f"{place}: a pin has a column of a name that is not known. There are {known}.")
        if name == "enabled" and not isinstance(value, bool):
            raise _broken(place, name, "Write true or false.")
        if name == "windows" and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise _broken(place, name, 'Write a list of texts: windows = ["mon-fri 08:00-16:00"].')
        if name in ("from", "until") and not isinstance(value, str | date):
            raise _broken(place, name, "Write a date or a time: 2026-11-23 or 2026-11-23T08:00.")
        if name in ("alias", "pin") and not isinstance(value, str):
            raise _broken(place, name, _QUOTE if name == "pin" else "Write the alias as text, in quotes.")
    moments = {name: table[name].isoformat() for name in ("from", "until") if isinstance(table.get(name), date)}
    return _Row(place=header, cells=table | moments, lines=lines)


def _line(text: str, key: str) -> str:
    """Return the line on which a key first stands, as far as that can be told from the text."""
    pattern = re.compile(rf"""[\s\["']*{re.escape(key)}\b""")
    lines = (number for number, line in enumerate(text.split("\n"), 1) if pattern.match(line))
    return f"line {next(lines, 1)}"


def _wish(row: _Row, zone: tzinfo) -> Wanted:
    cells = row.cells
    if "alias" not in cells:
        raise _broken(row.at("alias"), "alias", "Every pin needs one.")
    digits = cells.get("pin")
    if rule := check_alias(cells["alias"]):
        raise _broken(row.at("alias"), "alias", sentence(rule))
    if digits is not None and (rule := check_digits(digits)):
        raise _broken(row.at("pin"), "pin", sentence(rule))
    schedule = Schedule(
        valid_from=_moment(row, "from", zone), valid_until=_moment(row, "until", zone), windows=_windows(row)
    )
    if rule := check_schedule(schedule):
        column = "windows" if schedule.windows and "window" in sentence(rule) else "until"
        raise _broken(row.at(column), column, sentence(rule))
    return Wanted(digits=digits, alias=cells["alias"], enabled=cells.get("enabled", True), schedule=schedule)


def _moment(row: _Row, column: str, zone: tzinfo) -> int:
    try:
        return parse_moment(row.cells.get(column), zone)
    except UsageError:
        rule = "Write a date or a time from 1970 to 2106: 2026-11-23 or 2026-11-23T08:00."
        raise _broken(row.at(column), column, rule) from None


def _windows(row: _Row) -> tuple[Window, ...]:
    try:
        return parse_window_list(row.cells.get("windows", []))
    except UsageError:
        raise _broken(
            row.at("windows"), "windows", "Write mon-fri 08:00-16:00, or 22:00-06:00 for every night."
        ) from None


def _refuse_repetitions(rows: list[_Row], wishes: tuple[Wanted, ...]) -> None:
    """Refuse what the plan could not tell apart; the later line is named."""
    aliases = repeated([wish.alias for wish in wishes]) & {wish.alias for wish in wishes if wish.digits is None}
    digits = repeated([wish.digits for wish in wishes if wish.digits is not None])
    for row, wish in reversed(list(zip(rows, wishes, strict=True))):
        if wish.alias in aliases:
            rule = f"An earlier pin of the file has the same, and only digits tell them apart. {_WRITES_DIGITS}"
            raise _broken(row.at("alias"), "alias", rule)
        if wish.digits in digits:
            raise _broken(row.at("pin"), "pin", "An earlier pin of the file has the same.")


def _broken(place: str, column: str, rule: str) -> UsageError:
    return UsageError(f"{place}, column {column}: {rule}")


def _cells(pin: Held, zone: tzinfo, *, with_digits: bool) -> dict[str, Any]:
    entry, schedule = pin.entry, pin.entry.schedule
    cells: dict[str, Any] = {
        "alias": entry.alias,
        "pin": entry.digits if with_digits else None,
        "enabled": entry.enabled,
        "from": describe_moment(schedule.valid_from, zone),
        "until": describe_moment(schedule.valid_until, zone),
        "windows": schedule.windows,
    }
    return {name: value for name, value in cells.items() if value is not None}


def _as_csv(rows: list[dict[str, Any]], *, with_digits: bool) -> str:
    out = io.StringIO(newline="")
    names = [name for name in COLUMNS if with_digits or name != "pin"]
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        told = {"enabled": "yes" if row["enabled"] else "no", "windows": describe_windows(row["windows"])}
        writer.writerow(row | told)
    return out.getvalue()


def _as_toml(rows: list[dict[str, Any]]) -> str:
    return "\n".join("[[pin]]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in row.items()) for row in rows)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; for what an alias may hold, its texts are those of JSON."""
    if isinstance(value, tuple):
        return _toml([describe_window(window) for window in value])
    return json.dumps(value, ensure_ascii=False)
