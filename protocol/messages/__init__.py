"""What travels inside a session: one small declaration a message, its dataclasses beside its layouts."""
