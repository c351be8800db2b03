"""The protocol of OSS: requests, signatures, replies, errors and object keys.

The modules are pure Python and use no clock, random numbers or I/O: times, ids and credentials are
arguments of the functions.
"""
