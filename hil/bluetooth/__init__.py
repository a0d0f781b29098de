"""Bluetooth without a radio: a bus with a stand-in for BlueZ, a Bumble central behind it, and a backend of bleak's over Bumble."""
