"""Computation of signatures, and explanation of wrong signatures.

Each signature scheme has one module. `mock_oss.access.authentication` looks up the access keys,
compares the signatures and refuses requests.
"""
