"""The wire: bytes in, messages out; pure, so it has no I/O, no clock and no randomness of its own."""
