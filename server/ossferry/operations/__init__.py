"""Endpoints for operators: health, readiness, metrics, and the OpenAPI document."""
