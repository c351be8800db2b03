"""The Python code of the upload page: what a person sees of the library `ossferry_uploader`.

The module `main` starts the page. The package `view` is the user interface, and `browser` the
access to the document and its window. The other packages are loaded later, through the module
`on_demand`. The code uses only the features that MicroPython, Pyodide and CPython have in common.
"""
