"""Fault plans as files: what each kind may hold, and what is wrong with a file, said with its line and key."""

from pathlib import Path

import pytest

from firmware_sim.errors import FaultPlanError
from firmware_sim.failing_flash import Tear
from firmware_sim.faults import (
    SUBSYSTEMS,
    ClockKind,
    CpuKind,
    Direction,
    Fault,
    FlashKind,
    LinkKind,
    parse_plan,
    read_plan,
)
from firmware_sim.luck import stream

PLAN = """\
# what a bad night looks like
[[fault]]
link = "drop"
probability = 0.05

[[fault]]
link = "split"
direction = "in"
at = 3
size = 20

[[fault]]
flash = "brown_out"
at = 60.5
operation = 7
model = "one_bit"

[[fault]]
clock = "step"
probability = 1
seconds = -3600
"""

NEEDED = {
    LinkKind.SPLIT: "size = 20",
    LinkKind.LATE: "seconds = 0.5",
    FlashKind.BAD_BLOCK: "page = 3",
    FlashKind.WORN: "erases = 10",
    ClockKind.STEP: "seconds = -60",
    ClockKind.DRIFT: "ppm = -20",
    CpuKind.BUSY: "seconds = 2",
    CpuKind.STALL: "seconds = 0.5",
}
KINDS = [(name, kind) for name, kinds in SUBSYSTEMS.items() for kind in kinds]


def refused(text: str) -> str:
    """Return the sentence with which a plan is refused, without the name of its file."""
    with pytest.raises(FaultPlanError) as told:
        parse_plan(text, "night.toml")
    sentence = str(told.value)
    assert sentence.startswith("night.toml, line ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence.removeprefix("night.toml, line ")


def test_a_plan_is_read_as_written() -> None:
    assert parse_plan(PLAN, "night.toml") == (
        Fault(kind=LinkKind.DROP, probability=0.05),
        Fault(kind=LinkKind.SPLIT, direction=Direction.IN, at=3, size=20),
        Fault(kind=FlashKind.BROWN_OUT, at=60.5, operation=7, model=Tear.ONE_BIT),
        Fault(kind=ClockKind.STEP, probability=1, seconds=-3600),
    )
    assert parse_plan("", "night.toml") == ()


@pytest.mark.parametrize(("subsystem", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_each_kind_has_its_keys_and_no_other(subsystem: str, kind: LinkKind | FlashKind | ClockKind | CpuKind) -> None:
    head = f'[[fault]]\n{subsystem} = "{kind}"\nat = 0\n'
    needed = NEEDED.get(kind, "")
    (fault,) = parse_plan(head + needed, "night.toml")
    assert (fault.kind, fault.at) == (kind, 0)
    if needed:
        key = needed.split()[0]
        assert refused(head).startswith(f'1, "{key}": a {kind} needs it: give ')
    assert refused(f"{head}{needed}\ncolour = 3").startswith(f'5, "colour": a {kind} has no such key, only at, prob')
    if kind not in LinkKind:
        assert refused(f'{head}{needed}\ndirection = "in"').startswith('5, "direction": ')


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("probability = 1.01", '4, "probability": give a number from 0 to 1.'),
        ("probability = -0.01", '4, "probability": give a number from 0 to 1.'),
        ("probability = nan", '4, "probability": give a number from 0 to 1.'),
        ("probability = true", '4, "probability": give a number from 0 to 1.'),
        ('probability = "0.5"', '4, "probability": give a number from 0 to 1.'),
        ("at = -1", '4, "at": give seconds after the start, from 0 to ten years.'),
        ("at = inf", '4, "at": give seconds after the start, from 0 to ten years.'),
        ("at = 2026-11-23", '4, "at": give seconds after the start, from 0 to ten years.'),
        ("at = 1\nsize = 0", '5, "size": give a whole number from 1 to 4096.'),
        ("at = 1\nsize = 1.0", '5, "size": give a whole number from 1 to 4096.'),
        ("at = 1\nsize = [\n1,\n2]", '7, "size": give a whole number from 1 to 4096.'),
        ('at = 1\nsize = 1\ndirection = "up"', '6, "direction": give one of in, out.'),
        ("size = 1", '2, "probability": give each fault either at or probability.'),
        ("size = 1\nprobability = 0\nat = 1", '6, "at": give each fault either at or probability.'),
        ('at = 1\nsize = 1\nflash = "worn"', '6, "flash": give each fault one of link, flash, clock, cpu.'),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_line_and_key(line: str, sentence: str) -> None:
    assert refused(f'\n[[fault]]\nlink = "split"\n{line}\n\n[[fault]]\ncpu = "reset"\nat = 1\n') == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[fault]]\nlink = "smash"\nat = 1', '2, "link": there is no such fault, only drop, duplicate'),
        ("[[fault]]\nlink = 3\nat = 1", '2, "link": there is no such fault, only drop'),
        ("[[fault]]\nlink.drop = 3\nat = 1", '2, "link": there is no such fault, only drop'),
        ("[[fault]]\nat = 1", '1, "link": give each fault one of link, flash, clock, cpu.'),
        (PLAN + "\nseed = 3", '23, "seed": a step has no such key, only at, probability, seconds.'),
        ("seed = 3\n" + PLAN, '1, "seed": a plan holds [[fault]] tables and nothing else.'),
        ("\n[faults]\nat = 1", '2, "faults": a plan holds [[fault]] tables and nothing else.'),
        ("[fault]\nat = 1", '1, "fault": give each fault a [[fault]] table.'),
        ("fault = [1]", '1, "fault": give each fault a [[fault]] table.'),
        ("fault = [\n1\n]", '3, "fault": give each fault a [[fault]] table.'),
        ("\n[[fault]]\nlink = drop\nat = 1", "3: this is no TOML (Invalid value (at line 3, column 8))."),
        ("[[fault]]\nat = 1\nat = 2\n", "3: this is no TOML (Cannot overwrite a value (at line 3, column 7))."),
        ("\n[[fault]]\nlink = ", "3: this is no TOML (Invalid value (at end of document))."),
        ("a = " + "[" * 5000, "1: this is no fault plan, its values are nested too deeply."),
        ("fault = " + "[" * 5000, "1: this is no fault plan, its values are nested too deeply."),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_its_line(text: str, sentence: str) -> None:
    assert refused(text).startswith(sentence)


def test_the_line_is_that_of_the_table_that_is_wrong_among_equals() -> None:
    assert refused('[[fault]]\nlink = "drop"\nat = 1\n' * 9 + "[[fault]]\nat = 1\nlink = 'dorp'").startswith("30, ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultPlanError, match=r"^Cannot read .*night.toml: No such file or directory\. Choose another"):
        read_plan(tmp_path / "night.toml")
    (tmp_path / "night.toml").write_bytes(b"\n# \xff\n")
    with pytest.raises(FaultPlanError, match=r"night.toml, line 2: this is no UTF-8\. "):
        read_plan(tmp_path / "night.toml")
    (tmp_path / "night.toml").write_text(PLAN)
    assert len(read_plan(tmp_path / "night.toml")) == 4


def test_a_source_of_chance_repeats_itself_and_none_of_the_others() -> None:
    assert stream(1, "link").random() == stream(1, "link").random() == 0.8163378163364452
    drawn = {stream(seed, name).random() for seed in (1, 2) for name in ("link", "flash", "clock", "cpu")}
    assert len(drawn) == 8
