"""The uploader as a library: sends files from a browser straight to OSS.

`oss` is the protocol, `transfer` the engine that sends files, and `browser` the access to
JavaScript. The code uses only what MicroPython, Pyodide and CPython have in common.
"""
