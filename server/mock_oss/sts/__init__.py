"""STS and the RAM actions: temporary credentials, and policies attached to roles."""
