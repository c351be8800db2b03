"""Authentication: one module for each method of identifying principals, and their common code.

An authenticator returns the `Principal` who sent a request, or raises `NotIdentifiedError`. The
module `choice` builds the authenticator that the setting `auth` names. An application may pass its
own function to `create_app`.
"""
