"""The exceptions of the tools in which bridge and simulated lock meet: each carries one sentence for people."""


class BenchError(Exception):
    """The Bluetooth bench cannot be set up on this machine."""

    exit_code = 3
