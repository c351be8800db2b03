"""The protocol of OSS: requests, signatures, replies, errors and object keys.

This is pure Python without a clock, random numbers or I/O: times, ids and credentials are
arguments.
"""
