"""Checks and changes of photos: dimensions, metadata, size, and HEIC to JPEG.

One module per file format reads the structure of a file without decoding the picture. `canvas`
decodes and encodes pictures with the browser's own functions.
"""
