"""What a run has beside its lock: measurements, further tries, a quarantine. The plugin registers them from here."""

import datetime

import pytest

from . import measuring, quarantine, retrying


def add_options(group: pytest.OptionGroup) -> None:
    """Add their options."""
    quarantine.add_options(group)
    retrying.add_options(group)


def configure(config: pytest.Config) -> None:
    """Register what the options ask for; raise pytest.UsageError."""
    config.pluginmanager.register(measuring, "lock-measuring")
    if path := config.option.lock_quarantine:
        today = datetime.datetime.now().astimezone().date()
        entries = quarantine.read_quarantine(path, root=config.rootpath, today=today)
        config.pluginmanager.register(quarantine.Quarantine(entries), "lock-quarantine")
    if config.option.lock_retries < 0:
        raise pytest.UsageError("--lock-retries takes a number from 0: how often to try a test again that has failed.")
    if config.option.lock_retries:
        config.pluginmanager.register(retrying.Retrying(config.option.lock_retries), "lock-retrying")
