"""Files of pins, TOML or CSV by their ending: read as a whole or refused as a whole, and never quoted in a message.

Columns are alias, pin, enabled, from, until, windows; alias alone must be there. Times are meant in the lock's zone.
"""

import csv
import io
import json
from datetime import tzinfo
from pathlib import Path
from typing import Any

from bridge.errors import UsageError
from bridge.plans import Held, Wanted, repeated
from bridge.private_files import create_private
from protocol.pin_rules import check_alias, check_digits, sentence
from protocol.schedule import check_schedule
from protocol.vocabulary import Schedule, Window

from .pin_rows import COLUMNS, Row, broken, csv_rows, toml_rows
from .times import describe_moment, describe_window, describe_windows, parse_moment, parse_window_list

STDOUT = "-"
LARGEST_FILE = 1 << 20
"""Bytes; a thousand slots with four windows each need a quarter of it."""

_WRITES_DIGITS = "`pin export --show-pins` writes them."


def read_pin_file(path: Path, zone: tzinfo, *, digits_needed: bool) -> tuple[Wanted, ...]:
    """Return what a file wishes for; raise UsageError with file, line, column and the rule that is broken."""
    kind = _kind(path)
    text = _text(path)
    rows = list(toml_rows(path, text) if kind == "toml" else csv_rows(path, text))
    wishes = tuple(_wish(row, zone) for row in rows)
    if digits_needed:
        for row, wish in zip(rows, wishes, strict=True):
            if wish.digits is None:
                raise broken(row.at("pin"), "pin", f"The digits are missing. {_WRITES_DIGITS}")
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


def _wish(row: Row, zone: tzinfo) -> Wanted:
    cells = row.cells
    if "alias" not in cells:
        raise broken(row.at("alias"), "alias", "Every pin needs one.")
    digits = cells.get("pin")
    if rule := check_alias(cells["alias"]):
        raise broken(row.at("alias"), "alias", sentence(rule))
    if digits is not None and (rule := check_digits(digits)):
        raise broken(row.at("pin"), "pin", sentence(rule))
    schedule = Schedule(
        valid_from=_moment(row, "from", zone), valid_until=_moment(row, "until", zone), windows=_windows(row)
    )
    if rule := check_schedule(schedule):
        column = "windows" if schedule.windows and "window" in sentence(rule) else "until"
        raise broken(row.at(column), column, sentence(rule))
    return Wanted(digits=digits, alias=cells["alias"], enabled=cells.get("enabled", True), schedule=schedule)


def _moment(row: Row, column: str, zone: tzinfo) -> int:
    try:
        return parse_moment(row.cells.get(column), zone)
    except UsageError:
        rule = "Write a date or a time from 1970 to 2106: 2026-11-23 or 2026-11-23T08:00."
        raise broken(row.at(column), column, rule) from None


def _windows(row: Row) -> tuple[Window, ...]:
    try:
        return parse_window_list(row.cells.get("windows", []))
    except UsageError:
        raise broken(
            row.at("windows"), "windows", "Write mon-fri 08:00-16:00, or 22:00-06:00 for every night."
        ) from None


def _refuse_repetitions(rows: list[Row], wishes: tuple[Wanted, ...]) -> None:
    """Refuse what the plan could not tell apart; the later line is named."""
    aliases = repeated([wish.alias for wish in wishes]) & {wish.alias for wish in wishes if wish.digits is None}
    digits = repeated([wish.digits for wish in wishes if wish.digits is not None])
    for row, wish in reversed(list(zip(rows, wishes, strict=True))):
        if wish.alias in aliases:
            rule = f"An earlier pin of the file has the same, and only digits tell them apart. {_WRITES_DIGITS}"
            raise broken(row.at("alias"), "alias", rule)
        if wish.digits in digits:
            raise broken(row.at("pin"), "pin", "An earlier pin of the file has the same.")


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
