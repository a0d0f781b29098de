"""Each command once as a process of its own, at a simulated lock; what it does in detail is tested within the tests."""

from tests.together.processes import Place

COMMANDS = (
    "lock list",
    "lock show front",
    "info front",
    "state front",
    "diagnose front",
    "clock get front",
    "clock set front --zone Europe/Warsaw",
    "open front",
    "close front",
    "config show",
    "config path",
    "completion bash",
    "token create --scope Device.Read --lock front",
    "token list",
    "token revoke 1",
    "lock rename front back",
    "unpair back --yes",
    "lock remove back --yes",
    "sim state --control {control}",
    "sim enter --control {control} 97531",
    "sim explain 1 --control {control}",
    "sim hold-button --control {control}",
    "sim clock --control {control}",
    "sim battery --set 80 --control {control}",
    "sim door --no-blocked --control {control}",
    "sim faults --end --control {control}",
    "sim power-cycle --control {control}",
)
EXIT_CODES = {"sim enter": 4, "sim explain": 3, "sim faults": 3}
"""Of those that end otherwise than with 0: nobody has a pin here, and the lock was started without faults."""
FROM_NOTHING = (
    "lock list", "state front", "diagnose front", "clock get front", "open front", "config show", "completion bash",
    "token list", "unpair back --yes", "sim state --control {control}",
)  # fmt: skip
"""Those which must themselves import what they need. The others start from what is imported already."""


def test_each_command_works_as_a_process(bench: Place) -> None:
    assert set(FROM_NOTHING) < set(COMMANDS)
    with bench.lock():
        target = f"serial:{bench.path('lock0')}"
        assert bench.from_nothing("scan", target, "--no-ports").code == 0
        label = ("--label-file", bench.path("label"))
        assert bench.from_nothing("pair", target, *label, "--name", "front", "--zone", "UTC").code == 0
        ended = {}
        for command in COMMANDS:
            run = bench.from_nothing if command in FROM_NOTHING else bench.latchwire
            done = run(*command.format(control=bench.path("ctl")).split())
            ended[command] = (done.code, bool(done.out), done.err)
    for command, (code, says_something, error) in ended.items():
        expected = next((code for name, code in EXIT_CODES.items() if command.startswith(name)), 0)
        assert (code, says_something or bool(error)) == (expected, True), (command, error)
