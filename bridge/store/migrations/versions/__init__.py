"""One module a revision. A revision that was published is never changed: another one follows it."""
