"""The conformance suite: tests of any lock's firmware against SPEC.md, by its links and its hands alone."""
