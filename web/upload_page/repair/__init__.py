"""The dialog in which a person repairs a table that a check has refused."""
