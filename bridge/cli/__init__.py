"""The command line: `latchwire`, one module a command group. It runs the event loop once, here at the edge."""

import sys


def main() -> None:
    """Run one command and exit with its code (exits.py)."""
    from .running import run  # noqa: PLC0415  `import bridge.cli` stays cheap for those who only want a group

    sys.exit(run(sys.argv[1:]))
