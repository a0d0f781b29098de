"""Every parser as one function that takes any bytes; a crash is whatever it raises."""

from . import boot, control, flash, frames, handshake, http, messages, texts

_MODULES = (boot, control, flash, frames, handshake, http, messages, texts)
TARGETS = {module.__name__.rpartition(".")[2]: module for module in _MODULES}
