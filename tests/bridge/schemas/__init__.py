"""Registries as earlier versions of this program have made them. Do not change these texts: such files exist."""
