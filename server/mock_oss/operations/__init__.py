"""What OSS does, one module per family; ``routes`` maps a request to one of them.

Handlers read the request, call the store and answer. They never check signatures or policies of
the addressed resource: that has happened before. What the store cannot decide alone (copy
sources, batch deletes, tagging headers) they ask of ``authorization``.
"""
