"""The page's Python: uploads files from a browser straight to OSS.

`oss` is the protocol, `transfer` the engine that sends files, `browser` the access to JavaScript,
`view` and `dialogs` the user interface, and `main` starts them all. The code uses only what
MicroPython, Pyodide and CPython have in common.
"""
