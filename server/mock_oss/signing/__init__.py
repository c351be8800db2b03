"""Signature schemes, one module each; every stage of a scheme is a function of its own.

Nothing here reads a clock, looks up a key or refuses a request: ``mock_oss.authentication``
does that with what these functions compute.
"""
