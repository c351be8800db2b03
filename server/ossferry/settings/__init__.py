"""The options of the server: the settings class, types of values, and rules for combinations."""
