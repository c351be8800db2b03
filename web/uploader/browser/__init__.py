"""Access to JavaScript: the engine's ports and the DOM. No other package uses JavaScript objects.

MicroPython cuts integers from and to JavaScript to 32 bits. Sizes and times are therefore read as
text (`interop.wide`) and passed as `float`.
"""
