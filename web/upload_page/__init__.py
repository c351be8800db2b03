"""The Python code of the upload page, which shows the uploads of `ossferry_uploader` to a person.

The module `main` starts the page. The package `view` is the user interface, and `browser` the
access to the document and its window. The other packages are loaded later, through the module
`on_demand`. The code uses only the features that MicroPython, Pyodide and CPython have in common.
"""
