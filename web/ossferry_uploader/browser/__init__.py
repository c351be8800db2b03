"""Modules that use JavaScript: the engine's interfaces, and requests to the token server.

The engine is the package `ossferry_uploader.transfer`. In this library, only this package imports
JavaScript objects.

MicroPython passes only 32 bits of an integer to or from JavaScript. Sizes and times are therefore
read as text (`interop.wide`) and passed as `float`.
"""
