"""The files of Pyodide, which the ossferry server sends to browsers.

The server finds this package if its setting is `OSSFERRY_RUNTIME=pyodide`.
"""
