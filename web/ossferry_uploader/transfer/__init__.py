"""The transfer engine: it schedules uploads, gets credentials, sends files and verifies objects.

The engine consists of `async` functions and small classes. It uses the browser, the network and the
server only through the interfaces in the module `ports`.
"""
