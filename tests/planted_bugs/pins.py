"""Bugs in what a technician does with pins: plans, their carrying out, files."""

from .bug import Bug

PLANS = ("tests/bridge/test_plans.py",)
APPLYING = ("tests/bridge/test_applying.py",)
FILES = ("tests/bridge/cli/test_pin_files.py",)

BUGS = (
    Bug(
        name="pins are known again by their alias alone",
        file="bridge/plans.py",
        good="        if wish.digits is not None and wish.digits in by_digits\n",
        bad="        if wish.digits == 'none' and wish.digits in by_digits\n",
        tests=PLANS,
    ),
    Bug(
        name="an alias that two pins share names the last of them",
        file="bridge/plans.py",
        good="        by_alias.pop(alias, None)\n",
        bad="        pass\n",
        tests=PLANS,
    ),
    Bug(
        name="an alias that is the lock's alone when its other pins are known by their digits",
        file="bridge/plans.py",
        good="repeated([pin.entry.alias for pin in left]) |",
        bad="repeated([pin.entry.alias for pin in held]) |",
        tests=PLANS,
    ),
    Bug(
        name="a file refused for an alias that two pins share, digits or not",
        file="bridge/cli/pin_files.py",
        good=" & {wish.alias for wish in wishes if wish.digits is None}",
        bad="",
        tests=FILES,
    ),
    Bug(
        name="a plan that adds before it removes",
        file="bridge/plans.py",
        good="key=lambda step: list(Action).index(step.action)",
        bad="key=lambda step: -list(Action).index(step.action)",
        tests=PLANS,
    ),
    Bug(
        name="a slot counts as done without being read back",
        file="bridge/applying.py",
        good="        return _compare(step, done, await _read(bridge, lock, done))\n",
        bad="        return _compare(step, done, _goal(step))\n",
        tests=APPLYING,
    ),
    Bug(
        name="a silent lock is asked for every other slot, too",
        file="bridge/applying.py",
        good="if ending.outcome is Outcome.UNKNOWN else None",
        bad="if ending.outcome is Outcome.NOT_ASKED else None",
        tests=APPLYING,
    ),
    Bug(
        name="pins that change while they are read are taken as they come",
        file="bridge/applying.py",
        good="if (await bridge.list_pins(lock)).list_version == listed.list_version:",
        bad="if await bridge.list_pins(lock):",
        tests=APPLYING,
    ),
    Bug(
        name="a file of pins that others may read",
        file="bridge/cli/pin_files.py",
        good="new = create_private(path, text.encode())",
        bad="new = not path.exists() and path.write_text(text) >= 0",
        tests=FILES,
    ),
    Bug(
        name="digits without their leading zeros",
        file="bridge/cli/pin_files.py",
        good='    digits = cells.get("pin")\n',
        bad='    digits = cells.get("pin") and cells["pin"].lstrip("0")\n',
        tests=FILES,
    ),
    Bug(
        name="a header's words are quoted, which may be digits",
        file="bridge/cli/pin_rows.py",
        good="there is no column of this name. {rule}",
        bad="there is no column {cells}. {rule}",
        tests=FILES,
    ),
    Bug(
        name="a broken cell on the line on which its row began",
        file="bridge/cli/pin_rows.py",
        good="    return line + len(_LINE_END.findall(text, begin, at)), number\n",
        bad="    return line, number\n",
        tests=FILES,
    ),
    Bug(
        name="a semicolon in an alias taken for the end of a cell",
        file="bridge/cli/pin_rows.py",
        good="""return ";" if ";" in first and "," not in first else ","\n""",
        bad="""return ";" if ";" in text else ","\n""",
        tests=FILES,
    ),
    Bug(
        name="braces in texts of a file counted as inline tables",
        file="bridge/cli/pin_rows.py",
        good="_TOML_TOKEN.finditer(text)",
        bad="re.finditer('[{}]', text)",
        tests=FILES,
    ),
    Bug(
        name="digits twice in one file",
        file="bridge/cli/pin_files.py",
        good="repeated([wish.digits for wish in wishes if wish.digits is not None])",
        bad="set[str]()",
        tests=FILES,
    ),
    Bug(
        name="an update turns off what it was not told of",
        file="bridge/cli/pins.py",
        good="enabled=_or(self.enable, old.enabled),",
        bad="enabled=bool(self.enable),",
        tests=("tests/together/test_pin_commands.py",),
    ),
    Bug(
        name="digits that were typed as a pin's number are repeated",
        file="bridge/cli/pins.py",
        good="f\"A pin's number is 1 to ",
        bad='f"{pin} is no number of a pin, which is 1 to ',
        tests=("tests/together/test_pin_commands.py",),
    ),
)
