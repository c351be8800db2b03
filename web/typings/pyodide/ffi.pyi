"""The border to JavaScript on Pyodide."""

class JsException(Exception): ...  # noqa: N818 - Pyodide's name
