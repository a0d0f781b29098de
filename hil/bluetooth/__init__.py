"""Bluetooth without the system's own: what Bumble is for, beside the simulated lock."""
