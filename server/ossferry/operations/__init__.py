"""Endpoints for operators: readiness, and the OpenAPI document."""
