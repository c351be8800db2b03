"""Looks at held uploads, and releases them or keeps them.

A worker leases uploads from the ledger, reads their bytes, and asks the checks, clamd and an HTTP
scanner. No other package reads the bytes of uploads. The checks are Python that parses files of
strangers, so they run in a locked process for each file.
"""
