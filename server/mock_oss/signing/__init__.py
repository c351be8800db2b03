"""Signature schemes: one module for each scheme, one function for each step of a scheme.

These functions only compute. ``mock_oss.access.authentication`` reads the clock, looks up the
access keys and refuses requests.
"""
