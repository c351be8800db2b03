"""Access to JavaScript: the DOM, and implementations of the engine's interfaces.

Only this package imports JavaScript objects. MicroPython cuts integers from and to JavaScript to 32
bits. Sizes and times are therefore read as text (`interop.wide`) and passed as `float`.
"""
