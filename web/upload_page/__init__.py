"""The page's Python: what a person sees of the uploader, `ossferry_uploader`.

`main` starts the page, `view` is its user interface and `browser` the access to the document.
`on_demand` names what is loaded later: the other folders.
The code uses only what MicroPython, Pyodide and CPython have in common.
"""
