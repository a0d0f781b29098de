"""A Bluetooth bench for machines without a radio: what a bridge finds there is a stand-in for BlueZ (DESIGN.md)."""
