"""OSS on the wire: requests, signatures, replies, errors and object keys.

Pure Python with no clock, no randomness and no I/O: times, ids and credentials are arguments.
"""
