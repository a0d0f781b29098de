"""What has passed between bench and lock: heard, kept, shown, repeated."""
