"""Who is asking: one `Identify` per way of proving it.

A way is a module here, with something that turns a request into a `Principal` or raises
`NotIdentifiedError`. `ways` picks by the `auth` setting; an application may hand over its own.
"""
