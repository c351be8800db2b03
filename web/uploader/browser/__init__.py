"""The only room that knows JavaScript: the engine's ports and the DOM, for any browser.

MicroPython hands integers from JavaScript over as 32 bits. Sizes and times are therefore read as
text (`interop.wide`) and given as `float`.
"""
