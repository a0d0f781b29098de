"""Which targets a run has, from its options: one string, or those of a bench file; wrong ones end it at the start."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from platformdirs import user_state_dir

from protocol.vocabulary import Capability

from ..errors import BenchFault
from .file import parse_capabilities, port, read_bench
from .leases import free, lease_folder, leased
from .targets import Spec

DEFAULT_TARGET = "sim:"
DEFAULT_TOTAL = 1800.0
LONGEST = 604_800.0
"""Seconds: a week."""
RESETS = ("never", "failure", "module", "test")
SPECS = pytest.StashKey[tuple[Spec, ...]]()
"""Where `config.stash` has the targets that a run may take."""


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options that say which lock, and how the bench treats it."""
    for name, settings in _OPTIONS.items():
        group.addoption(f"--lock-{name}", **settings)
    for name, text in _SWITCHES.items():
        group.addoption(f"--lock-{name}", action="store_true", help=text)


_OPTIONS: dict[str, dict[str, object]] = {
    "target": {"metavar": "TARGET", "help": "sim: (the default), sim:pty, sim:tcp, sim:ble, exec:./firmware, or where "
               "a lock is: serial:…, usb:…, tcp:…, ble:…; with a bench file, names of its targets: front,back"},
    "bench": {"type": Path, "metavar": "FILE", "help": "TOML that says which locks the bench has"},
    "label-file": {"type": Path, "metavar": "FILE", "help": "holds the label of a lock that is there"},
    "control": {"type": Path, "metavar": "PATH", "help": "the control socket of a simulated lock"},
    "capabilities": {"metavar": "NAMES", "help": "what the lock can do, such as schedule,clock: it must tell the same"},
    "keys": {"type": Path, "metavar": "DIR", "help": "keeps the keys by which locks know this bench"},
    "wait": {"type": float, "default": 0.0, "metavar": "SECONDS", "help": "wait for a target that is in use"},
    "reset": {"choices": RESETS, "default": "never", "help": "when to bring the lock to rest anew, by its power"},
    "total": {"type": float, "default": DEFAULT_TOTAL, "metavar": "SECONDS", "help": "what the whole run may take"},
}  # fmt: skip
_OF_A_STRING = ("label_file", "control", "capabilities")
_SWITCHES = {
    "operator": "somebody is at the lock, and does what the terminal asks",
    "realtime": "run tests that need real time to pass",
    "destructive": "run tests that take from a real lock what its owner may want to keep",
}


def choose(config: pytest.Config) -> None:
    """Read which targets there are into `config.stash`; raise UsageError."""
    option = config.option
    if not (0 < option.lock_total <= LONGEST and 0 <= option.lock_wait <= LONGEST):
        raise pytest.UsageError(f"--lock-total takes seconds above 0, --lock-wait none below, both up to {LONGEST:g}.")
    alone = [name for name in _OF_A_STRING if getattr(option, f"lock_{name}") is not None]
    if option.lock_bench and alone:
        named = f"--lock-{alone[0].replace('_', '-')}"
        raise pytest.UsageError(f"{named} goes with a target that is a string. A bench file has its own key for it.")
    try:
        specs = _of_bench(option.lock_bench, option.lock_target) if option.lock_bench else (_single(config),)
        for spec in specs:
            port(spec)
    except BenchFault as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SPECS] = specs
    option.lock_target = ",".join(spec.title for spec in specs)


def require_targets(config: pytest.Config, workers: int) -> None:
    """See that each worker can have a target of its own; raise UsageError."""
    specs = config.stash[SPECS]
    if any(spec.simulated for spec in specs):
        return  # each can make its own
    if workers > len(specs):
        raise pytest.UsageError(
            f"{workers} workers need as many targets, and there {'is' if len(specs) == 1 else 'are'} {len(specs)} "
            f"({config.option.lock_target}). Give -n {len(specs)}, or a bench file with more."
        )
    try:
        count = free(specs, lease_folder())
    except BenchFault as error:
        raise pytest.UsageError(str(error)) from None
    if workers > count and not config.option.lock_wait:
        raise pytest.UsageError(
            f"{workers} workers need as many targets, and other runs leave {count} free. Give fewer, or --lock-wait."
        )


def lease(config: pytest.Config) -> AbstractContextManager[Spec]:
    """Return the hold on the one target that this process takes, of its own where other workers run beside it."""
    specs, wait = config.stash[SPECS], config.option.lock_wait
    worker = getattr(config, "workerinput", {}).get("workerid", "gw0")
    folder = Path() if all(spec.simulated for spec in specs) else lease_folder()
    return leased(specs, folder, wait=wait, first=int(worker.removeprefix("gw")))


def leases_of_others(config: pytest.Config, own: Spec) -> list[AbstractContextManager[Spec]]:
    """Return the hold on each other target that was chosen, for tests of several locks."""
    others = [spec for spec in config.stash[SPECS] if spec is not own]
    folder = Path() if all(spec.simulated for spec in others) else lease_folder()
    return [leased([spec], folder, wait=config.option.lock_wait) for spec in others]


def key_folder(config: pytest.Config) -> Path:
    """Return the folder of the keys."""
    state = os.environ.get("LATCHWIRE_STATE_DIR") or user_state_dir("latchwire")
    return config.option.lock_keys or Path(state, "bench-keys")


def _of_bench(path: Path, wanted: str | None) -> tuple[Spec, ...]:
    specs = {spec.name: spec for spec in read_bench(path)}
    if wanted is None:
        return tuple(specs.values())
    chosen = list(dict.fromkeys(name.strip() for name in wanted.split(",")))
    for name in chosen:
        if name not in specs:
            raise BenchFault(f"{path} has no target {name!r}; there are {', '.join(specs)}.")
    return tuple(specs[name] for name in chosen)


def _single(config: pytest.Config) -> Spec:
    option = config.option
    spec = Spec(
        place=option.lock_target or DEFAULT_TARGET,
        label_file=option.lock_label_file,
        control=option.lock_control,
        capabilities=_capabilities(option.lock_capabilities),
    )
    port(spec)
    if not spec.simulated and spec.label_file is None:
        raise BenchFault(f"The label of the lock at {spec.title} is needed to pair: give --lock-label-file FILE.")
    return spec


def _capabilities(text: str | None) -> Capability | None:
    if text is None:
        return None
    try:
        return parse_capabilities(_words(text))
    except ValueError as error:
        raise BenchFault(f"--lock-capabilities: {error}.") from None


def _words(text: str) -> Sequence[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
