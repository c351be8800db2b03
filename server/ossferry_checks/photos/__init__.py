"""Checks and changes of photos: dimensions, metadata, size, and conversion of HEIC to JPEG.

One module per file format reads the structure of a file without decoding the picture. The module
`canvas` decodes and encodes pictures with functions of the browser.
"""
