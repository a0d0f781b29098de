"""`python -m bridge.cli` is `latchwire`."""

from . import main

main()
