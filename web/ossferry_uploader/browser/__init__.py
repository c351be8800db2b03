"""The browser side of the library: all modules that use JavaScript.

They implement the interfaces in `ossferry_uploader.transfer.ports`, and send the requests to the
ossferry server. No other package of this library imports JavaScript objects, except
`ossferry_uploader.client`.

MicroPython passes only 32 bits of an integer to or from JavaScript. Sizes and times are therefore
read as text (`interop.wide`) and passed as `float`.
"""
