# Everything a fresh machine with Python 3.11, pip and make needs: `make demo`, `make test`, `make check`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed
# Three for two processors: many tests wait for processes that they have started.
WORKERS := $(shell echo $$(( ($$(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2 )))
# The tests that belong to the modules in pyproject.toml's [tool.coverage.run].
COVERING := $(filter-out %/test_power_cuts.py %/test_hostile.py,$(wildcard tests/firmware_sim/test_*.py)) tests/protocol/test_codec.py tests/protocol/test_exchange.py \
	tests/protocol/test_framing.py tests/protocol/test_noise.py tests/protocol/test_session.py \
	tests/bridge/test_handshakes.py tests/bridge/test_keys.py tests/bridge/test_tokens.py tests/bridge/http/test_auth.py

# Hundreds of processes start during the tests: let each find what the first has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-ble test check coverage fuzz soak bench bugs generate lock clean
help:
	@echo "make demo   watch one pin travel from HTTP to the keypad"
	@echo "make demo-ble  the same over Bluetooth, without a radio: needs dbus-daemon"
	@echo "make test   run the tests"
	@echo "make check  lint, types, import rules"
	@echo "make coverage  see that the tests reach every branch of what locks and secrets hang on"
	@echo "make fuzz   try 100,000 inputs at each parser, fewer at a whole lock"
	@echo "make bench  print the speed table"
	@echo "make soak   run the long runs, in minutes: all, or those in PARTS=..."
	@echo "make bugs   plant known bugs, one after another, and see the tests catch them"
	@echo "make generate  write protocol/generated.py from the layouts"
	@echo "make lock   renew constraints.txt from what is installed"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/latchwire demo

demo-ble: $(STAMP)
	$(BIN)/latchwire demo --ble

test: $(STAMP)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(STAMP)
	$(BIN)/coverage run -m pytest -q $(COVERING)
	$(BIN)/coverage report

fuzz: $(STAMP)
	$(BIN)/python -c 'from tests.fuzz.targets import TARGETS; print(*TARGETS)' | xargs -n1 $(BIN)/python -m tests.fuzz

bench: $(STAMP) $(VENV)/embedded
	$(BIN)/python -m tests.benchmarks

# A rival in one row of the table, kept where no other run finds its fixtures.
$(VENV)/embedded: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $@ \
		pytest-embedded==2.9.3 pytest-embedded-serial==2.9.3 pexpect==4.9.0 ptyprocess==0.7.0

soak: $(STAMP)
	$(BIN)/python -m tests.soak $(PARTS)

bugs: $(STAMP)
	$(BIN)/python -m tests.planted_bugs

generate: $(STAMP)
	$(BIN)/python -m protocol.generator > $(VENV)/generated.py
	mv $(VENV)/generated.py protocol/generated.py

lock: $(STAMP)
	$(BIN)/pip freeze --exclude-editable --exclude latchwire > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
