"""Access to routes: the gate with its rate limits, the audit trail, and the authenticator port."""
