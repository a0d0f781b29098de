"""Long random runs of two bridges and a lock against the model of slots."""

import sys

from tests.together.slots_machine import run_machine

EXAMPLES = 3_000
STEPS = 60


def main(seed: int, examples: int = EXAMPLES) -> int:
    """Run the machine `examples` times; return how many steps were found after which lock and model differ."""
    try:
        counts = run_machine(examples, STEPS, seed)
    except AssertionError as error:
        sys.stdout.write(f"slots: seed {seed}: {error}\n{'; '.join(getattr(error, '__notes__', ()))}\n")
        return 1
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    sys.stdout.write(f"slots: seed {seed}, {examples:,} runs of up to {STEPS} steps: {told}; 0 violations\n")
    return 0
