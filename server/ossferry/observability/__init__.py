"""Logs, metrics, traces, and the redaction of secrets."""
