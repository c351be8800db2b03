"""The border to JavaScript on MicroPython."""

class JsException(Exception): ...  # noqa: N818 - MicroPython's name
