"""Signature schemes, one module each, with one function per stage of a scheme.

The modules read no clock, look up no keys and refuse no requests.
``mock_oss.access.authentication`` does that with the results of these functions.
"""
