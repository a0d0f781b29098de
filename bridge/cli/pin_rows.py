"""The rows of a file of pins, CSV or TOML, each with its place in it; a refusal quotes nothing of the file."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bridge.errors import UsageError

COLUMNS = ("alias", "pin", "enabled", "from", "until", "windows")

_QUOTE = 'Write the digits as text, in quotes: pin = "…".'
_DELIMITERS = {",": "comma", ";": "semicolon"}
_LINE_END = re.compile(r"\r\n?|\n")
_BOOLEANS = {"": True, "yes": True, "no": False}
_HEADER = re.compile(r"""\s*\[\[\s*["']?pin["']?\s*\]\]""")
_KEY = re.compile(r"""\s*["']?([a-z]+)["']?\s*=""")
_TOML_TOKEN = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|[{}]""", re.DOTALL
)
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pin as a file has it, and where: `cells` by the names of columns, times and digits still text."""

    place: str
    cells: dict[str, Any]
    lines: Mapping[str, str] = field(default_factory=dict)
    """Where columns stand that do not stand at `place`."""

    def at(self, column: str) -> str:
        """Return where a column stands."""
        return self.lines.get(column, self.place)


def csv_rows(path: Path, text: str) -> Iterator[Row]:
    """Yield the rows of CSV, with commas or, as its first line shows, semicolons between cells; raise UsageError."""
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line, header = 1, None
    while True:
        place = f"{path}, line {line}"
        try:
            cells = next(reader, None)
        except csv.Error:
            line, column = _broken_cell(text, line, delimiter)
            name = header[column - 1] if header and column <= len(header) else column
            rule = "this is no CSV. A quote opens and ends a cell, and is doubled within."
            raise UsageError(f"{path}, line {line}, column {name}: {rule}") from None
        if cells is None:
            break
        if cells and header is None:
            header = _header(place, cells)
        elif cells and header is not None:
            yield _csv_row(place, header, cells, delimiter)
        line = reader.line_num + 1
    if header is None:
        raise UsageError(f"{path}, line 1: the file is empty. Its first line names the columns: {','.join(COLUMNS)}.")


def _delimiter(text: str) -> str:
    """Return what stands between the names of columns: no name holds either, and some spreadsheets write semicolons."""
    first = next((line for line in text.splitlines() if line), "")
    return ";" if ";" in first and "," not in first else ","


def _broken_cell(text: str, line: int, delimiter: str) -> tuple[int, int]:
    """Return line and number of the cell that cannot be read, in the row that begins on `line`."""
    cell = re.compile(rf'''("(?:[^"]|"")*"|[^"{delimiter}\r\n][^{delimiter}\r\n]*|)(?:({delimiter})|(?=[\r\n])|\Z)''')
    begin = at = sum(map(len, io.StringIO(text, newline="").readlines()[: line - 1]))
    number = 1
    while (found := cell.match(text, at)) and len(found[0]) <= csv.field_size_limit() and found[2]:
        number, at = number + 1, found.end()
    return line + len(_LINE_END.findall(text, begin, at)), number


def _header(place: str, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for number, name in enumerate(names, 1):
        if name not in COLUMNS:  # the name is not quoted: a file without a header has digits here
            rule = f"The first line names the columns, commas or semicolons between them: {', '.join(COLUMNS)}."
            raise UsageError(f"{place}, column {number}: there is no column of this name. {rule}")
        if names.index(name) != number - 1:
            raise UsageError(f"{place}, column {number}: the column {name} is there twice.")
    return names


def _csv_row(place: str, header: list[str], cells: list[str], delimiter: str) -> Row:
    if len(cells) != len(header):
        counted = f"the line has {len(cells)} columns, and the first line names {len(header)}"
        raise UsageError(f"{place}: {counted}. A cell that holds a {_DELIMITERS[delimiter]} stands in quotes.")
    found: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if cell or name == "alias"}
    if "enabled" in found:
        if found["enabled"].lower() not in _BOOLEANS:
            raise broken(place, "enabled", "Write yes or no.")
        found["enabled"] = _BOOLEANS[found["enabled"].lower()]
    if "windows" in found:
        found["windows"] = [part.strip() for part in found["windows"].split(";")]
    return Row(place=place, cells=found)


def toml_rows(path: Path, text: str) -> Iterator[Row]:
    """Yield the rows of TOML, tables [[pin]] or inline ones; raise UsageError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # its words may quote the file, and are not repeated
        where, column = _broken_toml(text, str(error))
        rule = _toml_rule(text, where, error)
        raise UsageError(f"{path}, line {where}, column {column}: this is no TOML. {rule}") from None
    tables = document.pop("pin", [])
    if document:
        raise UsageError(f"{path}, {_line(text, next(iter(document)))}: a file of pins has tables [[pin]] alone.")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}, {_line(text, 'pin')}: each pin is a table of its own, under [[pin]].")
    headers = [number for number, line in enumerate(text.split("\n"), 1) if _HEADER.match(line)]
    lines = headers or _inline_lines(text)
    for number, table in enumerate(tables):
        line = lines[number] if len(lines) == len(tables) else None
        place = f"{path}, " + (f"line {line}" if line else f"pin {number + 1}")
        yield _toml_row(place, _key_lines(path, text, line) if line and headers else {}, table)


def _broken_toml(text: str, told: str) -> tuple[int, int]:
    """Return line and column at which the parser gave up."""
    lines = text.split("\n")
    if found := _TOML_PLACE.search(told):
        return int(found[1]), int(found[2])
    if "at end of document" in told:
        return len(lines), len(lines[-1]) + 1
    return max(range(1, len(lines) + 1), key=lambda number: len(lines[number - 1])), 1  # too long, or nested too deep


def _toml_rule(text: str, line: int, error: Exception) -> str:
    told = str(error)
    if isinstance(error, RecursionError):
        return "Brackets are nested too deep."
    if re.search(r"overwrite|twice|[Dd]uplicate", told):
        return "A key stands there twice."
    if re.search(r"Unterminated|Unclosed|at end of document", told):
        return "A quote or a bracket is not closed."
    if re.match(r"\s*pin\s*=", text.split("\n")[line - 1]):
        return _QUOTE
    if re.match(r"\s*(from|until)\s*=", text.split("\n")[line - 1]):
        return "There is no such date or time. Write 2026-11-23, or 2026-11-23T08:00:00."
    return "Write NAME = VALUE, and texts in quotes."


def _inline_lines(text: str) -> list[int]:
    """Return where inline tables begin that are not within another; braces in texts and comments are none."""
    found, depth = [], 0
    for token in _TOML_TOKEN.finditer(text):
        if token[0] == "{" and not depth:
            found.append(text.count("\n", 0, token.start()) + 1)
        depth += (token[0] == "{") - (token[0] == "}")
    return found


def _key_lines(path: Path, text: str, header: int) -> dict[str, str]:
    """Return where the keys of the table stand whose header is on that line."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[header:], header + 1):
        if _HEADER.match(line):
            break
        if key := _KEY.match(line):
            found.setdefault(key[1], f"{path}, line {number}")
    return found


def _toml_row(header: str, lines: Mapping[str, str], table: dict[str, Any]) -> Row:
    for name, value in table.items():
        place = lines.get(name, header)
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise UsageError(f"{place}: a pin has a column of a name that is not known. There are {known}.")
        if name == "enabled" and not isinstance(value, bool):
            raise broken(place, name, "Write true or false.")
        if name == "windows" and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise broken(place, name, 'Write a list of texts: windows = ["mon-fri 08:00-16:00"].')
        if name in ("from", "until") and not isinstance(value, str | date):
            raise broken(place, name, "Write a date or a time: 2026-11-23 or 2026-11-23T08:00.")
        if name in ("alias", "pin") and not isinstance(value, str):
            raise broken(place, name, _QUOTE if name == "pin" else "Write the alias as text, in quotes.")
    moments = {name: table[name].isoformat() for name in ("from", "until") if isinstance(table.get(name), date)}
    return Row(place=header, cells=table | moments, lines=lines)


def _line(text: str, key: str) -> str:
    """Return the line on which a key first stands, as far as that can be told from the text."""
    pattern = re.compile(rf"""[\s\["']*{re.escape(key)}\b""")
    lines = (number for number, line in enumerate(text.split("\n"), 1) if pattern.match(line))
    return f"line {next(lines, 1)}"


def broken(place: str, column: str, rule: str) -> UsageError:
    """Return the refusal of a column that breaks a rule."""
    return UsageError(f"{place}, column {column}: {rule}")
