"""The process that atheris takes over: it instruments our packages and ends by itself."""

import sys

import atheris

with atheris.instrument_imports(include=["bridge", "firmware_sim", "protocol"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target, *words = sys.argv[1:]
    again = f"{sys.executable} -m tests.fuzz.instrumented {target}"  # how a merge starts its inner processes
    atheris.Setup([again, *words], TARGETS[target].fuzz)
    atheris.Fuzz()
