"""Files of pins are read as they were written, or refused as a whole with the place and the rule, without digits."""

import stat
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.pin_files import LARGEST_FILE, kind_of, read_pin_file, save, write_pins
from bridge.errors import UsageError
from bridge.plans import Held, Wanted
from protocol.vocabulary import PinEntry, Schedule, Weekdays, Window

WARSAW = ZoneInfo("Europe/Warsaw")
SECRET = "97531"
SCHEDULE = Schedule(
    valid_from=1795388400,  # 2026-11-23 00:00 in Warsaw
    valid_until=1795474800,
    windows=(Window(weekdays=Weekdays(31), start=480, end=960), Window(weekdays=Weekdays(32), start=1320, end=360)),
)
CLEANING = Wanted(digits="01357", alias="Cleaning", enabled=False, schedule=SCHEDULE)
GUEST = Wanted(digits=SECRET, alias="Gość, 2", enabled=True, schedule=Schedule())

CSV = """\
alias,pin,enabled,from,until,windows
Cleaning,01357,no,2026-11-23,2026-11-24T00:00+01:00,mon-fri 08:00-16:00; sat 22:00-06:00
"Gość, 2",97531,,,,
"""
SEMICOLONS = """\
alias;pin;enabled;from;until;windows
Cleaning;01357;no;2026-11-23;2026-11-24T00:00+01:00;"mon-fri 08:00-16:00; sat 22:00-06:00"
Gość, 2;97531;;;;
"""
TOML = """\
[[pin]]
alias = "Cleaning"
pin = "01357"
enabled = false
from = 2026-11-23
until = 2026-11-24T00:00:00
windows = ["mon-fri 08:00-16:00", "sat 22:00-06:00"]

[[pin]]
alias = "Gość, 2"
pin = "97531"
"""

schedules = st.builds(
    Schedule,
    valid_from=st.integers(1, 1 << 31),
    valid_until=st.integers((1 << 31) + 1, (1 << 32) - 1),
    windows=st.lists(
        st.builds(
            Window, weekdays=st.integers(1, 127).map(Weekdays), start=st.integers(0, 700), end=st.integers(701, 1440)
        ),
        max_size=4,
    ).map(tuple),
)
readable = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)


def read(folder: Path, text: str | bytes, name: str = "pins.csv", *, digits_needed: bool = True) -> tuple[Wanted, ...]:
    """Read a file that holds `text`."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pin_file(path, WARSAW, digits_needed=digits_needed)


def refusal(folder: Path, text: str | bytes, name: str = "pins.csv", *, digits_needed: bool = True) -> str:
    """Return what a refused file is told, from behind its path."""
    with pytest.raises(UsageError) as error:
        read(folder, text, name, digits_needed=digits_needed)
    told = str(error.value)
    assert told.startswith(str(folder / name))
    told = told.removeprefix(str(folder / name))
    assert SECRET not in told
    return told


@pytest.mark.parametrize(("name", "text"), [("pins.csv", CSV), ("pins.csv", SEMICOLONS), ("pins.TOML", TOML)])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_kinds_say_the_same_with_or_without_a_mark_and_with_both_line_ends(
    tmp_path: Path, name: str, text: str, mark: str, end: str
) -> None:
    assert read(tmp_path, mark + text.replace("\n", end), name) == (CLEANING, GUEST)


@given(
    entry=st.builds(PinEntry, digits=st.just("01357"), alias=readable, enabled=st.booleans(), schedule=schedules),
    kind=st.sampled_from(["csv", "toml"]),
)
def test_what_was_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, entry: PinEntry, kind: str) -> None:
    text = write_pins((Held(id=1, entry=entry),), WARSAW, kind=kind, with_digits=True)
    (found,) = read(tmp_path_factory.mktemp("pins"), text, f"pins.{kind}")
    assert found.entry() == entry


@pytest.mark.parametrize("kind", ["csv", "toml"])
def test_digits_are_written_only_when_asked_for_and_then_needed_to_store(tmp_path: Path, kind: str) -> None:
    held = (Held(id=1, entry=GUEST.entry()),)
    text = write_pins(held, WARSAW, kind=kind, with_digits=False)
    assert SECRET not in text
    (found,) = read(tmp_path, text, f"pins.{kind}", digits_needed=False)
    assert (found.alias, found.digits) == (GUEST.alias, None)
    assert "column pin: The digits are missing" in refusal(tmp_path, text, f"pins.{kind}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ", line 1: the file is empty"),
        (f"Guest,{SECRET}\n", ", line 1, column 1: there is no column of this name"),
        ("alias;pin,enabled\n", ", line 1, column 1: there is no column of this name"),
        (
            f"alias;pin;windows\nAnn;{SECRET};mon; tue\n",
            ", line 2: the line has 4 columns, and the first line names 3. A cell that holds a semicolon stands",
        ),
        ("alias,pin,alias\n", ", line 1, column 3: the column alias is there twice"),
        (f"alias,pin\nAnn\nBob,{SECRET}\n", ", line 2: the line has 1 columns, and the first line names 2"),
        (f'alias,pin\n"Ann"x,{SECRET}\n', ", line 2, column alias: this is no CSV"),
        (f'alias,pin\nBob,86420\n"A\nn,"n","{SECRET}"\n', ", line 3, column alias: this is no CSV"),
        (f'alias;pin\r\n"A,\r\nn";"{SECRET}\r\n', ", line 3, column pin: this is no CSV"),
        (f'alias,pin\nAnn,{SECRET},"x\n', ", line 2, column 3: this is no CSV"),
        (f'alias,"pin"s\nAnn,{SECRET}\n', ", line 1, column 2: this is no CSV"),
        (f'alias,pin\nAnn,"{SECRET * 30000}"\n', ", line 2, column pin: this is no CSV"),
        (f"alias,pin\n\nAnn,{SECRET}1234\n", ", line 3, column pin: A pin has 5 to 8 digits"),
        (f"alias,pin\n,{SECRET}\n", ", line 2, column alias: An alias has 1 to 32 bytes"),
        (f"pin\n{SECRET}\n", ", line 2, column alias: Every pin needs one"),
        (f'alias,pin\n"A\nB",{SECRET}\n', ", line 2, column alias: An alias is readable text"),
        (f"alias,pin,enabled\nAnn,{SECRET},true\n", ", line 2, column enabled: Write yes or no"),
        (f"alias,pin,from\nAnn,{SECRET},soon\n", ", line 2, column from: Write a date"),
        (f"alias,pin,until\nAnn,{SECRET},2200-01-01\n", ", line 2, column until: Write a date"),
        (f"alias,pin,until\nAnn,{SECRET},0001-01-01\n", ", line 2, column until: Write a date"),
        (f"alias,pin,from,until\nAnn,{SECRET},2026-11-24,2026-11-23\n", ", line 2, column until: The validity must"),
        (f"alias,pin,windows\nAnn,{SECRET},mon {SECRET}\n", ", line 2, column windows: Write mon-fri"),
        (f"alias,pin,windows\nAnn,{SECRET},mon;tue;wed;thu;fri\n", ", line 2, column windows: A pin has at most four"),
        (f"alias,pin\nAnn,{SECRET}\nBob,{SECRET}\n", ", line 3, column pin: An earlier pin"),
        (f"alias,pin\nAnn,{SECRET}\n".encode() + b"\xff,1\n", ", line 3: this is no UTF-8"),
        ("alias\n" + "x" * LARGEST_FILE, " is longer than 1 MiB"),
    ],
)
def test_a_malformed_csv_is_refused_as_a_whole(tmp_path: Path, text: str | bytes, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'[[pin]]\nalias = "Ann"\npin = {SECRET}\n', ", line 3, column pin: Write the digits as text, in quotes"),
        ('[[pin]]\nalias = "Ann"\npin = 01357\n', ", line 3, column 8: this is no TOML. Write the digits as text"),
        (
            f'[[pin]]\nalias = "Ann"\nalias = "{SECRET}"\n',
            ", line 3, column 16: this is no TOML. A key stands there twice.",
        ),
        ("\na = " + "[" * 5000, ", line 2, column 1: this is no TOML. Brackets are nested too deep."),
        ("\na = " + "9" * 5000, ", line 2, column 1: this is no TOML. Write NAME = VALUE"),
        (f'[[pin]]\npin = "{SECRET}"\nwindows = ["mon"\n', ", line 4, column 1: this is no TOML. A quote or a bracket"),
        (f'[[pin]]\npin = "{SECRET}"\nalias = "Ann\n', ", line 3, column 13: this is no TOML. "),
        (f'[[pin]]\npin = "{SECRET}"\nfrom = 2026-13-45\n', ", line 3, column 12: this is no TOML. There is no such"),
        (f'[[pin]]\npin = "{SECRET}"\nalias Ann\n', ", line 3, column 7: this is no TOML. Write NAME = VALUE"),
        (f'\nlock = "{SECRET}"\n', ", line 2: a file of pins has tables [[pin]] alone"),
        (f'pin = "{SECRET}"\n', ", line 1: each pin is a table of its own"),
        (f'[pin]\npin = "{SECRET}"\n', ", line 1: each pin is a table of its own"),
        (f'[[pin]]\nalias = "Ann"\n{SECRET} = 1\n', ", line 1: a pin has a column of a name that is not known"),
        (f"[[pin]]\nalias = {SECRET}\n", ", line 2, column alias: Write the alias as text"),
        ('[[pin]]\nalias = "Ann"\nenabled = "yes"\n', ", line 3, column enabled: Write true or false"),
        ('[[pin]]\nalias = "Ann"\nfrom = 08:00:00\n', ", line 3, column from: Write a date or a time"),
        ('[[pin]]\nalias = "Ann"\nwindows = "mon"\n', ", line 3, column windows: Write a list of texts"),
        (
            f'[[pin]]\nalias="Ann"\npin="{SECRET}"\n\n[[pin]]\nalias="Bob"\npin="1"\n',
            ", line 7, column pin: A pin has 5",
        ),
        ('pin = [{alias = "Ann", pin = "1"}]\n', ", line 1, column pin: A pin has 5 to 8 digits"),
        (
            'pin = [ # {\n{alias = "A{", pin = "86420", windows = []}, # {}\n\n  {alias = \'"{\', pin = "1"}]\n',
            ", line 4, column pin: A pin has 5",
        ),
        (
            f'pin = [{{alias = """{{\n""", pin = "{SECRET}"}},\n  {{alias = "Bob", from = {{a = {{}}}}}}]\n',
            ", line 3, column from: Write a date",
        ),
        ('[["pin"]]\nalias = "Ann"\npin = "1"\n', ", line 3, column pin: A pin has 5"),
        ('[["p\\u0069n"]]\nalias = "Ann"\npin = "1"\n', ", pin 1, column pin: A pin has 5"),
    ],
)
def test_a_malformed_toml_is_refused_as_a_whole(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text, "pins.toml").startswith(told)


def test_an_alias_may_come_twice_where_digits_tell_the_pins_apart(tmp_path: Path) -> None:
    same = f"alias,pin\nAnn,{SECRET}\nBob,\nAnn,24680\n"
    assert [wish.digits for wish in read(tmp_path, same, digits_needed=False)] == [SECRET, None, "24680"]
    told = refusal(tmp_path, same.replace("24680", ""), digits_needed=False)
    assert told.startswith(", line 4, column alias: An earlier pin of the file has the same, and only digits")
    assert refusal(tmp_path, same.replace("24680", "")).startswith(", line 3, column pin: The digits are missing")


@given(
    text=st.text(max_size=60)
    | st.text('ab";,\n\r', max_size=40).map(lambda text: "alias,pin\n" + text)
    | st.text('ab";,\n\r', max_size=40).map(lambda text: "alias;pin\n" + text),
    kind=st.sampled_from(["csv", "toml"]),
)
def test_any_text_is_read_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str, kind: str
) -> None:
    folder = tmp_path_factory.mktemp("pins")
    try:
        found = read(folder, text.encode("utf-8", "replace"), f"pins.{kind}")
    except UsageError as error:
        assert str(folder) in str(error)  # noqa: PT017  either end is right
    else:
        assert all(wish.digits for wish in found)


def test_a_file_is_named_by_its_ending_and_must_be_readable(tmp_path: Path) -> None:
    assert (kind_of("-"), kind_of("a.toml")) == ("csv", "toml")
    for name, told in (("pins.txt", "Name it .toml or .csv"), ("gone.csv", "No such file")):
        with pytest.raises(UsageError, match=told):
            read_pin_file(tmp_path / name, WARSAW, digits_needed=True)


def test_a_saved_file_is_its_owners_alone_and_takes_no_other_files_place(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    save(path, CSV)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text()) == (0o600, CSV)
    with pytest.raises(UsageError, match="exists already"):
        save(path, "")
    with pytest.raises(UsageError, match="Cannot write"):
        save(tmp_path / "none" / "pins.csv", "")
    assert path.read_text() == CSV
