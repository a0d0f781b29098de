"""The few kinds of field that layouts are made of; none hides behaviour in a lambda, so a generator can walk them.

`Record` ties a layout to its frozen dataclass and compares their names when it is made, so that a misspelt field
cannot survive the import. Numbers are big-endian (SPEC 2).
"""

import dataclasses
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any, TypeVar

import construct
from construct import (
    Adapter,
    Construct,
    Container,
    GreedyBytes,
    Int8ub,
    Int16ub,
    Int32ub,
    MappingError,
    PascalString,
    Prefixed,
    PrefixedArray,
    Struct,
    Terminated,
)

__all__ = [
    "U8",
    "U16",
    "U32",
    "Ascii",
    "Bool",
    "Bytes",
    "Choice",
    "Flags",
    "Layout",
    "Many",
    "Raw",
    "Record",
    "Terminated",
    "Utf8",
]

T = TypeVar("T")

if TYPE_CHECKING:
    Layout = Construct[Any, Any]
    _Adapter = Adapter[Any, Any, Any, Any]
else:  # at run time construct's classes take no parameters
    Layout = Construct
    _Adapter = Adapter

U8: Layout = Int8ub
U16: Layout = Int16ub
U32: Layout = Int32ub
Utf8: Layout = PascalString(Int8ub, "utf8")
"""u8 length, then so many bytes of UTF-8."""
Ascii: Layout = PascalString(Int8ub, "ascii")
"""u8 length, then so many bytes of ASCII."""


class Bytes(construct.Bytes):
    """So many bytes; construct's own Bytes would let an integer pass for them."""

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        return super()._build(_only(bytes, obj, path), stream, context, path)


class _AllBytes(_Adapter):
    """The bytes that are left."""

    def __init__(self) -> None:
        super().__init__(GreedyBytes)

    def _decode(self, obj: bytes, context: Container[Any], path: str) -> bytes:
        del context, path
        return obj

    def _encode(self, obj: bytes, context: Container[Any], path: str) -> bytes:
        del context
        return _only(bytes, obj, path)


Raw: Layout = Prefixed(Int8ub, _AllBytes())
"""u8 length, then so many bytes."""


class Choice(_Adapter):
    """A u8 that must be a member of `choices`; construct's own Enum would let strangers pass."""

    def __init__(self, choices: type[IntEnum]) -> None:
        super().__init__(U8)
        self.choices = choices

    def _decode(self, obj: int, context: Container[Any], path: str) -> IntEnum:
        del context
        try:
            return self.choices(obj)
        except ValueError:
            raise MappingError(f"{obj} is no {self.choices.__name__}", path) from None

    def _encode(self, obj: IntEnum, context: Container[Any], path: str) -> int:
        return int(self._decode(obj, context, path))


class Bool(_Adapter):
    """A u8 that must be 0 or 1."""

    def __init__(self) -> None:
        super().__init__(U8)

    def _decode(self, obj: int, context: Container[Any], path: str) -> bool:
        del context
        if obj not in (0, 1):
            raise MappingError("a flag is 0 or 1", path)
        return bool(obj)

    def _encode(self, obj: bool, context: Container[Any], path: str) -> int:
        return int(self._decode(obj, context, path))


class Flags(_Adapter):
    """An integer whose bits are `flags`; unknown bits are kept, the rules judge them."""

    def __init__(self, subcon: Layout, flags: type[IntFlag]) -> None:
        super().__init__(subcon)
        self.flags = flags

    def _decode(self, obj: int, context: Container[Any], path: str) -> IntFlag:
        del context, path
        return self.flags(obj)

    def _encode(self, obj: IntFlag, context: Container[Any], path: str) -> int:
        del context, path
        return obj  # `int(obj)` would let text pass


class Many(_Adapter):
    """u8 count, then so many items; a tuple in Python."""

    def __init__(self, item: Layout) -> None:
        super().__init__(PrefixedArray(U8, item))
        self.item = item

    def _decode(self, obj: list[Any], context: Container[Any], path: str) -> tuple[Any, ...]:
        del context, path
        return tuple(obj)

    def _encode(self, obj: tuple[Any, ...], context: Container[Any], path: str) -> list[Any]:
        del context
        return list(_only(tuple, obj, path))


class Record(_Adapter):
    """A struct that reads into and builds from one dataclass, whose field names and order it must match.

    The record of a whole body ends with `Terminated`: bytes behind it are an error.
    """

    def __init__(self, record: type[Any], *fields: Layout) -> None:
        declared = [field.name for field in dataclasses.fields(record)]
        if declared != [field.name for field in fields if field is not Terminated]:
            raise TypeError(f"{record.__name__} and its layout name different fields")
        super().__init__(Struct(*fields))
        self.record = record
        self.fields = fields
        self.names = tuple(declared)

    def _decode(self, obj: Container[Any], context: Container[Any], path: str) -> object:
        del context, path
        return self.record(**{name: obj[name] for name in self.names})

    def _encode(self, obj: object, context: Container[Any], path: str) -> dict[str, Any]:
        del context
        if type(obj) is not self.record:
            raise MappingError(f"not a {self.record.__name__}", path)
        return {name: getattr(obj, name) for name in self.names}


def _only(kind: type[T], obj: T, path: str) -> T:
    if not isinstance(obj, kind):
        raise MappingError(f"not {kind.__name__}", path)
    return obj
