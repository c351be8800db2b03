"""Authentication: who sends a request. One module per method, and what these modules share.

An authenticator turns a request into a `Principal` or raises `NotIdentifiedError`. `choice` selects
the authenticator named by the `auth` setting. An application may pass its own.
"""
