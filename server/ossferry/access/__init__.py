"""Access control: checks of requests, rate limits, audit trail, and the `Authenticator` class."""
