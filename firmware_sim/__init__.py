"""The simulated keypad lock: enforces slots, rules and schedules as firmware does."""
