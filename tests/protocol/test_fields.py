"""The kinds of field that layouts are made of: what each of them refuses, and names that must agree."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

import pytest
from construct import Bytes

from protocol.codec import build, parse
from protocol.errors import MalformedError, MisuseError
from protocol.fields import U8, U16, Ascii, Bool, Choice, Flags, Layout, Many, Raw, Record, Terminated, Utf8


class Colour(IntEnum):
    RED = 1
    BLUE = 3


class Corner(IntFlag):
    LEFT = 1
    TOP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int


POINT = Record(Point, "x" / U8, "y" / U16)


@pytest.mark.parametrize(
    "fields",
    [
        ("x" / U8, "z" / U16),
        ("y" / U16, "x" / U8),
        ("x" / U8,),
        ("x" / U8, "y" / U16, "z" / U8),
        ("x" / U8, U16),
        (),
    ],
    ids=["misspelt", "swapped", "missing", "one too many", "nameless", "none"],
)
def test_a_layout_whose_names_differ_from_its_dataclass_refuses_to_exist(fields: tuple[Layout, ...]) -> None:
    with pytest.raises(TypeError, match="Point and its layout"):
        Record(Point, *fields)


def test_numbers_are_big_endian_and_in_the_order_of_the_fields() -> None:
    assert build(POINT, Point(x=1, y=0x0203)) == b"\x01\x02\x03"


@pytest.mark.parametrize(
    ("layout", "value", "coded"),
    [
        (Choice(Colour), Colour.BLUE, "03"),
        (Bool(), True, "01"),
        (Flags(U8, Corner), Corner.TOP, "02"),
        (Flags(U16, Corner), Corner(0x8001), "8001"),
        (Many(POINT), (), "00"),
        (Many(POINT), (Point(x=1, y=2), Point(x=3, y=4)), "02 010002 030004"),
        (Ascii, "~A", "02 7e41"),
        (Utf8, "é", "02 c3a9"),
        (Utf8, "\x00", "01 00"),
        (Raw, b"\x00\xff", "02 00ff"),
        (Raw, bytes(255), "ff" + "00" * 255),
        (Many(U8), (7,) * 255, "ff" + "07" * 255),
        (Bytes(3), b"abc", "616263"),
    ],
)
def test_each_kind_of_field_has_these_bytes(layout: Layout, value: object, coded: str) -> None:
    assert build(layout, value) == bytes.fromhex(coded)
    assert parse(layout, bytes.fromhex(coded)) == value


@pytest.mark.parametrize(
    ("layout", "coded"),
    [
        (Choice(Colour), "00"),
        (Choice(Colour), "02"),
        (Bool(), "02"),
        (Bool(), "ff"),
        (Ascii, "01 80"),
        (Utf8, "01 c3"),
        (Utf8, "02 c080"),  # an overlong zero
        (Utf8, "03 eda080"),  # a surrogate
        (Utf8, "04 f4908080"),  # beyond U+10FFFF
        (Raw, "02 00"),
        (Many(U8), "02 00"),
        (Bytes(2), "00"),
        (Record(Point, "x" / U8, "y" / U16, Terminated), "00000000"),
    ],
)
def test_bytes_that_are_no_value_of_a_field_are_malformed(layout: Layout, coded: str) -> None:
    with pytest.raises(MalformedError):
        parse(layout, bytes.fromhex(coded))


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        (U8, 256),
        (U8, -1),
        (U16, None),
        (Choice(Colour), 2),
        (Bool(), 2),
        (Flags(U8, Corner), Corner(256)),
        (Many(U8), (0,) * 256),
        (Ascii, "é"),
        (Ascii, "a" * 256),
        (Utf8, "\ud800"),
        (Utf8, "é" * 128),
        (Utf8, b"bytes"),
        (Raw, bytes(256)),
        (Bytes(2), b"a"),
        (Bytes(2), b"abc"),
        (POINT, Point(x=0, y=65536)),
        (POINT, {"x": 1, "y": 2}),
    ],
)
def test_a_value_that_does_not_fit_is_our_own_misuse(layout: Layout, value: Any) -> None:
    with pytest.raises(MisuseError):
        build(layout, value)
