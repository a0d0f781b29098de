"""What the lock does, one file a feature; a behaviour stages its effect, firmware.py commits it."""
