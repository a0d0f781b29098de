"""The generated codec beside the layouts that it was generated from: both accept, refuse and write the same.

Both are called without protocol.codec between them, which would hand to the layout what the generated code refuses.
"""

import dataclasses
import random
from collections.abc import Callable, Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import pytest
from construct import Bytes as ConstructBytes
from construct import ConstructError, GreedyBytes, Int16ul, Int32sb, PascalString, Prefixed, Renamed, this
from hypothesis import given, settings
from hypothesis import strategies as st

import protocol
from protocol import codec, generator
from protocol.errors import MalformedError, MisuseError
from protocol.fields import U8, U16, Ascii, Bytes, Choice, Flags, Layout, Many, Record, Terminated
from protocol.framing import HEADER, Header, Kind
from protocol.generated import READERS, WRITERS
from protocol.messages.hello import HELLO_REQUEST, HELLO_RESPONSE
from protocol.messages.pins import PinCreateRequest
from protocol.messages.records import WINDOW
from protocol.registry import BY_REQUEST, LAYOUTS
from protocol.vocabulary import EVERY_DAY, PinEntry, Schedule, Window
from tests.protocol.strategies import values
from tests.wire import version_1 as frozen

BULK = 24_000
HERE = Path(protocol.__path__[0])


class Colour(IntEnum):
    RED = 1
    BLUE = 3


class Corner(IntFlag):
    LEFT = 1
    TOP = 512


class OwnChoice(Choice):
    pass


class Texty:
    def encode(self, encoding: str) -> bytes:
        return bytes(len(encoding))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    a: Point
    b: Point


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    held: object


WHOLE = Record(Point, "x" / U8, Terminated)

NUMBERS = (
    True,
    False,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    255,
    256,
    65535,
    65536,
    (1 << 32) - 1,
    1 << 32,
    1 << 70,
    0.0,
    1.0,
    1.5,
    2j,
)
TEXTS = ("", "1", "~" * 255, "~" * 256, "é", "é" * 127, "é" * 128, "\ud800", "\x00")
BYTES = (b"", b"1", bytes(8), bytes(16), bytes(17), bytes(255), bytes(256), bytearray(16), memoryview(bytes(16)))
DAY = Window(weekdays=EVERY_DAY, start=0, end=1440)
LISTS: tuple[object, ...] = ((), [], {}, (None,), [DAY], {DAY}, (DAY, DAY), (DAY,) * 255, (DAY,) * 256, range(2))
OTHERS = (None, object(), int, Texty(), Colour.RED, Colour.BLUE, Corner.LEFT, Corner.TOP, Point(x=1), Schedule())
ODD: tuple[object, ...] = (*NUMBERS, *TEXTS, *BYTES, *LISTS, *OTHERS)


def examples() -> Iterator[tuple[Record, bytes]]:
    """Yield every layout with frozen bytes of it."""
    yield from ((HEADER, bytes.fromhex(header)) for _, header, _ in frozen.FRAMES)
    yield HELLO_REQUEST, bytes.fromhex(frozen.HELLO_REQUEST_BYTES)
    yield HELLO_RESPONSE, bytes.fromhex(frozen.HELLO_RESPONSE_BYTES)
    for request, asked, _, said in frozen.MESSAGES:
        yield BY_REQUEST[type(request)].request_layout, bytes.fromhex(asked)[1:]
        yield BY_REQUEST[type(request)].response_layout, bytes.fromhex(said)[2:]


EXAMPLES = list(examples())

every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.record.__name__)
every_example = pytest.mark.parametrize(
    ("layout", "data"), EXAMPLES, ids=[each.record.__name__ for each, _ in EXAMPLES]
)

Tried = Callable[[Any], Any]


def tried(function: Tried, *refusals: type[Exception]) -> Tried:
    """Return `function` that gives None where it refuses; any other error fails the test."""

    def call(given_: object) -> object:
        try:
            return function(given_)
        except refusals:
            return None

    return call


def readers(layout: Record) -> tuple[Tried, Tried]:
    return tried(READERS[layout.record], *codec.NOT_TAKEN), tried(layout.parse, ConstructError)


def writers(layout: Record) -> tuple[Tried, Tried]:
    return tried(WRITERS[layout.record], *codec.NOT_TAKEN), tried(layout.build, ConstructError)


@st.composite
def damaged(draw: st.DrawFn, layout: Record) -> bytes:
    """Return the bytes of a record with up to four places changed, cut out or drawn out."""
    data = bytearray(layout.build(draw(values(layout))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


def damage(dice: random.Random, data: bytes) -> bytes:
    """Return `data` with one place changed, cut out or drawn out, or cut short."""
    at = dice.randrange(len(data) + 1)
    few = bytes([dice.choice((0, 1, 2, 3, 0x7F, 0x80, 0xFF, dice.randrange(256)))])
    return dice.choice(
        (data[:at] + few + data[at + 1 :], data[:at] + data[at + 1 :], data[:at] + few + data[at:], data[:at])
    )


def shape(value: Any) -> object:
    """Return the classes of a value and all in it: True is no 1, a number no member."""
    if dataclasses.is_dataclass(value):
        return type(value), [shape(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return (type(value), [shape(item) for item in value]) if isinstance(value, tuple) else type(value)


def spoilt(record: Any) -> Iterator[Any]:
    """Yield the record with each odd value in each of its places, those of inner records too."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        inner = spoilt(value) if dataclasses.is_dataclass(value) else ()
        items = ((item,) for item in spoilt(value[0])) if isinstance(value, tuple) and value else ()
        for odd in (*ODD, *inner, *items):
            yield dataclasses.replace(record, **{field.name: odd})


def test_the_committed_module_is_what_the_layouts_say_today() -> None:
    assert generator.generate(LAYOUTS) == (HERE / "generated.py").read_text(encoding="utf-8"), "run `make generate`"


def test_every_record_that_travels_has_a_reader_a_writer_and_an_example() -> None:
    assert list(READERS) == list(WRITERS) == [layout.record for layout in LAYOUTS]
    assert {layout.record for layout, _ in EXAMPLES} == set(READERS)


@every_layout
def test_both_read_the_same_record_or_refuse(layout: Record) -> None:
    fast, interpreted = readers(layout)

    @given(damaged(layout) | st.binary(max_size=40))
    @settings(max_examples=60, deadline=None)
    def check(data: bytes) -> None:
        assert shape(fast(data)) == shape(interpreted(data))
        assert fast(data) == interpreted(data)

    check()


@every_layout
def test_what_the_layout_writes_the_generated_code_writes_and_reads(layout: Record) -> None:
    @given(values(layout))
    @settings(max_examples=40, deadline=None)
    def check(record: Any) -> None:
        data = layout.build(record)
        assert WRITERS[layout.record](record) == data
        assert READERS[layout.record](data) == record

    check()


@every_layout
def test_both_refuse_every_truncation_and_every_byte_too_many(layout: Record) -> None:
    fast, interpreted = readers(layout)

    @given(values(layout), st.binary(min_size=1, max_size=2))
    @settings(max_examples=8, deadline=None)
    def check(record: Any, more: bytes) -> None:
        data = layout.build(record)
        for wrong in (*(data[:length] for length in range(len(data))), data + more):
            assert fast(wrong) is interpreted(wrong) is None

    check()


def test_both_agree_on_thousands_of_damaged_records() -> None:
    dice = random.Random(1)  # noqa: S311  a test has to repeat itself
    accepted = 0
    for number in range(BULK):
        layout, data = EXAMPLES[number % len(EXAMPLES)]
        fast, interpreted = readers(layout)
        wrong = damage(dice, data)
        read = fast(wrong)
        assert read == interpreted(wrong), f"{layout.record.__name__} from {wrong.hex()}"
        accepted += read is not None
    assert BULK / 10 < accepted < BULK / 2


@every_example
def test_both_write_the_same_bytes_or_refuse_whatever_stands_in_a_field(layout: Record, data: bytes) -> None:
    fast, interpreted = writers(layout)
    written = [fast(record) for record in spoilt(layout.parse(data))]
    assert written == [interpreted(record) for record in spoilt(layout.parse(data))]
    assert not layout.names or {None} < set(written)


@every_example
def test_both_write_records_of_exactly_their_class_alone(layout: Record, data: bytes) -> None:
    fast, interpreted = writers(layout)
    record = layout.parse(data)
    contents = {name: getattr(record, name) for name in layout.names}
    heir = type("Heir", (layout.record,), {"__slots__": ()})(**contents)
    for wrong in (heir, contents, layout.record, Point(x=1), None, data):
        assert fast(wrong) is interpreted(wrong) is None


def test_a_record_inside_another_is_of_exactly_its_class_too() -> None:
    class Heir(PinEntry):
        __slots__ = ()

    fast, interpreted = writers(BY_REQUEST[PinCreateRequest].request_layout)
    record = PinCreateRequest(operation=1, entry=Heir(digits="86401", alias="guest"))
    assert fast(record) is interpreted(record) is None


@every_example
def test_what_fits_never_reaches_the_layout(layout: Record, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("parse", "build"):
        monkeypatch.setattr(layout, name, None)
    assert codec.build(layout, codec.parse(layout, data)) == data


def test_what_does_not_fit_is_refused_with_the_words_of_the_layout() -> None:
    with pytest.raises(MalformedError, match=r"^a value that does not fit, at kind$"):
        codec.parse(HEADER, bytes(8))
    with pytest.raises(MalformedError, match=r"^it ends too early, at length$"):
        codec.parse(HEADER, bytes.fromhex("0101000000000"[:12]))
    with pytest.raises(MalformedError, match=r"^it goes on behind its last field$"):
        codec.parse(HEADER, bytes.fromhex("0101000000000000ff"))
    with pytest.raises(MisuseError, match="a value that does not fit, at counter"):
        codec.build(HEADER, Header(version=0, kind=Kind.TRANSPORT, counter=-1, length=0))


def test_a_layout_that_the_module_does_not_know_is_interpreted() -> None:
    assert codec.parse(WHOLE, codec.build(WHOLE, Point(x=7))) == Point(x=7)


@pytest.mark.parametrize(
    "kind",
    [
        Int16ul,
        Int32sb,
        GreedyBytes,
        ConstructBytes(2),
        Bytes(this.size),
        Prefixed(U8, GreedyBytes),
        PascalString(U8, "utf8"),
        Renamed(U8, newname="y"),
        Flags(Int16ul, Corner),
        OwnChoice(Colour),
        Many(U8),
        Many(Ascii),
        Many(Many(WINDOW)),
        WHOLE,
        Record(Point, "x" / Int16ul),
    ],
)
def test_a_kind_of_field_that_the_generator_does_not_know_is_a_type_error(kind: Layout) -> None:
    with pytest.raises(TypeError):
        generator.generate([Record(Holder, "held" / kind, Terminated)])


@pytest.mark.parametrize(
    "layouts",
    [
        [Record(Point, "x" / U8)],
        [Record(Point, Terminated, "x" / U8, Terminated)],
        [WHOLE, Record(Point, "x" / U16, Terminated)],
        [Record(Pair, "a" / Record(Point, "x" / U8), "b" / Record(Point, "x" / U16), Terminated)],
        [WHOLE, Record(Holder, "held" / WHOLE, Terminated)],
    ],
    ids=["no end", "two ends", "two layouts", "two layouts inside", "whole and inside"],
)
def test_a_layout_that_could_mean_two_things_is_a_type_error(layouts: list[Record]) -> None:
    with pytest.raises(TypeError):
        generator.generate(layouts)
