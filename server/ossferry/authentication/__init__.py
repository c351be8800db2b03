"""Authentication: a module for each method of identifying the sender of a request.

Each method turns a request into a `Principal` or raises `NotIdentifiedError`. `choice` picks the
method that `OSSFERRY_AUTH` names; an application may pass its own method to `create_app`.
"""
