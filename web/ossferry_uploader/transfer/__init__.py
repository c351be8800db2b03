"""The transfer engine: schedules uploads, gets credentials, sends files and verifies objects.

The engine consists of `async` functions and small classes. The engine accesses the browser, the
network and the server only through the interfaces in `ports.Ports`.
"""
