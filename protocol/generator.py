"""Layouts → generated.py, the fast codec; a kind of field that is not listed here is a TypeError, never a guess.

`python -m protocol.generator` prints the module. Its readers and writers raise whatever comes where they do not accept;
codec.py then asks the layout itself, which says why. What a layout refuses they must never accept.
"""

import builtins
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from construct import Renamed

from .fields import U8, U16, U32, Ascii, Bool, Bytes, Choice, Flags, Layout, Many, Raw, Record, Terminated, Utf8
from .registry import LAYOUTS

_HEAD = '''\
"""Written by `make generate` from the layouts in registry.py: change those, not this.

A reader takes the bytes of one whole record, a writer one record of exactly its class; both raise for all else.
"""
'''
_WIDTH = 120
_CODES = {U8: "B", U16: "H", U32: "I"}
_ENCODINGS = {Ascii: '"ascii"', Utf8: '"utf8"'}
_TAKEN = {*dir(builtins), "data", "start", "at", "count", "item", "record", "parts"}


def generate(layouts: Iterable[Record]) -> str:
    """Return the source of a module that reads and writes these records.

    Raise TypeError for an unknown kind of field, and for a layout that would let bytes follow it.
    """
    module = _Module()
    for layout in layouts:
        module.add_whole(layout)
    return module.source()


class _Module:
    """What the functions of one module share, collected while they are written."""

    def __init__(self) -> None:
        self._imports: defaultdict[str, set[str]] = defaultdict(set)
        self._constants: dict[str, str] = {}
        self._functions: list[str] = []
        self._records: set[type[Any]] = set()
        self._parts: list[Record] = []
        self._whole: list[str] = []

    def add_whole(self, layout: Record) -> None:
        """Write the functions of a record that fills its bytes."""
        *fields, end = layout.fields
        if end is not Terminated:
            raise TypeError(f"the layout of {layout.record.__name__} does not end with Terminated")
        record = self._claim(layout)
        reader = _Reader(self, fields, at="")
        complete = [f"if len(data) != {reader.position()}:", "    raise ValueError"]
        result = _spread(f"return {record}(", reader.arguments(), ")")
        self._add(f"_read_{_snake(record)}(data: bytes) -> {record}", [*reader.lines, *complete, *result])
        self._add(f"_write_{_snake(record)}(record: {record}) -> bytes", _Writer(self, record, fields).lines)
        self._whole.append(record)

    def part(self, layout: Layout) -> str:
        """Write the functions of a record inside others, once, and return what their names end with."""
        if type(layout) is not Record:
            raise _unknown(layout)
        name = _snake(layout.record.__name__)
        if layout not in self._parts:
            self._parts.append(layout)
            record = self._claim(layout)
            reader = _Reader(self, layout.fields, at="at")
            result = _spread(f"record = {record}(", reader.arguments(), ")")
            lines = [*reader.lines, *result, f"return record, {reader.position()}"]
            self._add(f"_read_{name}(data: bytes, at: int) -> tuple[{record}, int]", lines)
            self._add(f"_write_{name}(record: {record}) -> bytes", _Writer(self, record, layout.fields).lines)
        return name

    def imported(self, kind: type[Any]) -> str:
        """Return the name of a class of this package."""
        self._imports[kind.__module__.partition(".")[2]].add(kind.__name__)
        return kind.__name__

    def packer(self, codes: Iterable[str]) -> str:
        """Return the name of a Struct with these codes."""
        return self._constant("".join(codes), f'Struct(">{"".join(codes)}")')

    def checked(self, value: str, kind: Layout) -> str:
        """Return the expression of a number or member that raises where `kind` has no such value."""
        if type(kind) is Choice:
            members = f"{{each.value: each for each in {self.imported(kind.choices)}}}"
            return f"{self._constant(_snake(kind.choices.__name__), members)}[{value}]"
        return f"{self._constant('bool', '{0: False, 1: True}')}[{value}]" if type(kind) is Bool else value

    def source(self) -> str:
        """Return the module."""
        library = ["from collections.abc import Callable", "from struct import Struct", "from typing import Any"]
        imports = [_import(module, sorted(names)) for module, names in sorted(self._imports.items())]
        constants = [f"{name} = {value}" for name, value in sorted(self._constants.items())]
        readers = [f"{record}: _read_{_snake(record)}" for record in self._whole]
        writers = [f"{record}: _write_{_snake(record)}" for record in self._whole]
        tables = [
            *_spread("READERS: dict[type[Any], Callable[[bytes], Any]] = {", readers, "}", indent=0),
            *_spread("WRITERS: dict[type[Any], Callable[[Any], bytes]] = {", writers, "}", indent=0),
        ]
        top = [_HEAD, *library, "", *imports, "", *constants]
        return "\n".join(top) + "\n\n\n" + "\n\n\n".join([*self._functions, "\n".join(tables)]) + "\n"

    def _claim(self, layout: Record) -> str:
        if layout.record in self._records:
            raise TypeError(f"two layouts of {layout.record.__name__}")
        self._records.add(layout.record)
        return self.imported(layout.record)

    def _constant(self, name: str, value: str) -> str:
        self._constants[f"_{name.upper()}"] = value
        return f"_{name.upper()}"

    def _add(self, signature: str, body: list[str]) -> None:
        self._functions.append("\n".join([f"def {signature}:", *("    " + line for line in body)]))


class _Reader:
    """The lines that read some fields. The next one stands at `_at`, a variable or nothing, plus `_offset`."""

    def __init__(self, module: _Module, fields: Iterable[Layout], *, at: str) -> None:
        self.lines: list[str] = []
        self._module = module
        self._at, self._offset = at, 0
        self._values: dict[str, str] = {}
        self._run: list[tuple[str, str]] = []
        for name, kind in map(_named, fields):
            self._values[name] = self._read(_variable(name), kind)
        self._end_run()

    def arguments(self) -> list[str]:
        """Return the fields as arguments of their record."""
        return [f"{name}={value}" for name, value in self._values.items()]

    def position(self, ahead: int = 0) -> str:
        """Return where the next field stands, or the byte so far ahead of it."""
        offset = self._offset + ahead
        return f"{self._at} + {offset}" if self._at and offset else self._at or str(offset)

    def _read(self, name: str, kind: Layout) -> str:
        """Add the lines that read a field into a variable, and return the expression of its value."""
        if code := _fixed(kind):
            self._run.append((name, code))
            if type(kind) is Flags:
                return f"{self._module.imported(kind.flags)}({name})"
            return self._module.checked(name, kind)
        self._end_run()
        if type(kind) is Record:
            self._move(f"{name}, at = _read_{self._module.part(kind)}(data, {self.position()})")
            return name
        if type(kind) is Many:
            return self._read_many(name, kind)
        if kind is not Raw and kind not in _ENCODINGS:
            raise _unknown(kind)
        decode = f".decode({_ENCODINGS[kind]})" if kind in _ENCODINGS else ""
        ends = f"at = start + data[{self.position()}]"
        self._move(f"start = {self.position(1)}", ends, f"{name} = data[start:at]{decode}")
        return name

    def _read_many(self, name: str, kind: Many) -> str:
        self._move(
            f"{name} = []",
            f"count, at = data[{self.position()}], {self.position(1)}",
            "for _ in range(count):",
            f"    item, at = _read_{self._module.part(kind.item)}(data, at)",
            f"    {name}.append(item)",
        )
        return f"tuple({name})"

    def _move(self, *lines: str) -> None:
        self.lines += lines
        self._at, self._offset = "at", 0

    def _end_run(self) -> None:
        """Read the fields of known size that were collected, with one call."""
        names, codes = [name for name, _ in self._run], [code for _, code in self._run]
        if codes == ["B"]:
            self.lines.append(f"{names[0]} = data[{self.position()}]")
        elif codes:
            targets = ", ".join(names) if len(names) > 1 else f"({names[0]},)"
            place = "" if self.position() == "0" else f", {self.position()}"
            self.lines.append(f"{targets} = {self._module.packer(codes)}.unpack_from(data{place})")
        self._offset += struct.calcsize(">" + "".join(codes))
        self._run.clear()


class _Writer:
    """The lines that write some fields of `record`."""

    def __init__(self, module: _Module, record: str, fields: Iterable[Layout]) -> None:
        self.lines: list[str] = []
        self._module = module
        self._parts: list[list[str]] = []
        self._run: list[tuple[str, str]] = []
        self._refuse(f"type(record) is not {record}")
        for name, kind in map(_named, fields):
            self._write(name, f"record.{name}", kind)
        self._end_run()
        self._return()

    def _write(self, name: str, value: str, kind: Layout) -> None:
        if code := _fixed(kind):
            if type(kind) is Bytes:
                self._refuse(f"not isinstance({value}, bytes) or len({value}) != {kind.length}")
            self._run.append((code, self._module.checked(value, kind)))
        elif type(kind) is Record:
            self._add(f"_write_{self._module.part(kind)}({value})")
        elif type(kind) is Many:
            self._refuse(f"not isinstance({value}, tuple)")
            self._add_counted(value, f"*map(_write_{self._module.part(kind.item)}, {value})")
        elif kind is Raw:
            self._refuse(f"not isinstance({value}, bytes)")
            self._add_counted(value, value)
        elif kind in _ENCODINGS:
            self.lines.append(f"{_variable(name)} = str.encode({value}, {_ENCODINGS[kind]})")
            self._add_counted(_variable(name), _variable(name))
        else:
            raise _unknown(kind)

    def _refuse(self, condition: str) -> None:
        self.lines += [f"if {condition}:", "    raise TypeError"]

    def _add_counted(self, counted: str, part: str) -> None:
        self._run.append(("B", f"len({counted})"))
        self._add(part)

    def _add(self, part: str) -> None:
        self._end_run()
        self._parts.append([part])

    def _end_run(self) -> None:
        """Write the fields of known size that were collected, with one call."""
        if self._run:
            packer = self._module.packer([code for code, _ in self._run])
            self._parts.append(_spread(f"{packer}.pack(", [value for _, value in self._run], ")", indent=8))
            self._run.clear()

    def _return(self) -> None:
        match self._parts:
            case []:
                self.lines.append('return b""')
            case [[first, *rest]]:
                self.lines += [f"return {first}", *rest]
            case parts:
                body = ["    " + line for part in parts for line in [*part[:-1], part[-1] + ","]]
                self.lines += ["parts = (", *body, ")", 'return b"".join(parts)']


def _named(field: Layout) -> tuple[str, Layout]:
    if not isinstance(field, Renamed) or field.name is None:
        raise _unknown(field)
    return field.name, field.subcon


def _fixed(kind: Layout) -> str | None:
    """Return the struct code of a kind of known size, None for other kinds."""
    if type(kind) is Bytes and isinstance(kind.length, int):
        return f"{kind.length}s"
    if type(kind) in {Choice, Bool}:
        return "B"
    return _CODES.get(kind.subcon if type(kind) is Flags else kind)


def _unknown(kind: Layout) -> TypeError:
    return TypeError(f"the generator knows no {type(kind).__name__} at this place")


def _variable(name: str) -> str:
    return f"{name}_" if name in _TAKEN else name


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _spread(head: str, items: list[str], tail: str, *, indent: int = 4) -> list[str]:
    """Return a bracket on one line, or where that is too long on one line an item."""
    line = head + ", ".join(items) + tail
    return [line] if indent + len(line) <= _WIDTH else [head, *(f"    {item}," for item in items), tail]


def _import(module: str, names: list[str]) -> str:
    line = f"from .{module} import {', '.join(names)}"
    return line if len(line) <= _WIDTH else "\n".join(_spread(f"from .{module} import (", names, ")", indent=_WIDTH))


if __name__ == "__main__":
    sys.stdout.write(generate(LAYOUTS))
