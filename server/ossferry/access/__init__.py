"""Access control: request checks, rate limits, audit trail, and the `Authenticator` interface."""
