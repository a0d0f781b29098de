"""The bridge's state on disk: folder, keys, tokens, the registry of locks, and who owns a lock."""
