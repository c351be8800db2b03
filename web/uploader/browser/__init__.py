"""Modules that use JavaScript: access to the DOM, and implementations of the engine's interfaces.

The engine is the package `uploader.transfer`. Only `uploader.browser` imports JavaScript objects.
MicroPython passes only 32 bits of an integer to or from JavaScript. Sizes and times are therefore
read as text (`interop.wide`) and passed as `float`.
"""
