"""Controls of a quickstart: what its result would look like if it were owed to something else than the rewards."""
