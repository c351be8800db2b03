"""The engine: which file is sent when, with which credentials, and whether it arrived.

Plain `async` functions and small classes over ports that are handed in; see `ports`.
"""
