"""The gate in front of every route: rate limits, identity, and the audit trail."""
