"""The transfer engine: schedules uploads, gets credentials, sends files and verifies objects.

The engine consists of `async` functions and small classes. The caller passes the interfaces to the
browser, the network and the server as `ports.Ports`.
"""
