"""What a bench has: targets, leases, keys, hands and power."""
