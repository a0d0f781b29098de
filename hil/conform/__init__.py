"""`latchwire conform`: the suite without pytest's words."""
