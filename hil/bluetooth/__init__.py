"""Bluetooth without a radio: a stand-in for BlueZ, a Bumble central behind it, and a backend of bleak over Bumble."""
