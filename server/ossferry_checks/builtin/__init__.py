"""The built-in checks. Each one is switched on by an option in `options`."""
