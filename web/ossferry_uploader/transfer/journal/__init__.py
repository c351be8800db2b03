"""Records (saved states) of unfinished uploads, and locks that assign each upload to one tab.

The records are in the browser's storage, which all tabs of the browser share.
"""
